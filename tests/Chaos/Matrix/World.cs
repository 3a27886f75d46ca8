using Weir.Redis.Tests.Servers;
using Weir.TestSupport;

namespace Weir.Chaos.Matrix;

/// <summary>Redis, two nodes on it, a load balancer in front, and clients of every way in.</summary>
internal sealed class World : IAsyncDisposable
{
    // The SDK itself gives publications of its streams out of order when many arrive at once; a short run leaves those out.
    private static readonly string[] _transports = LongForm is null ? ["websocket"] : ["websocket", "http_stream", "sse"];

    private readonly List<ClientListener> _listeners = [];
    private readonly List<SdkListeners> _sdks = [];
    private readonly List<CentrifugoClientListener> _publishers = [];
    private RedisServer? _redis;
    private SentinelGroup? _group;
    private bool _areStopped;

    /// <summary>Which faults a long run has, a part of their names; <c>null</c>: this is a short run.</summary>
    public static string? LongForm => Environment.GetEnvironmentVariable("WEIR_MATRIX_FAULT");

    /// <summary>Two durable rooms and two that keep history and are not durable.</summary>
    public IReadOnlyList<string> Rooms { get; } = ["room0", "room1", Fleet.KeptPrefix + "0", Fleet.KeptPrefix + "1"];

    public RedisServer Redis => _group?.Master ?? _redis!;

    /// <summary>Between the first node and Redis.</summary>
    public TcpProxy Proxy { get; private set; } = null!;

    public Fleet Fleet { get; private set; } = null!;

    public LoadBalancer LoadBalancer { get; private set; } = null!;

    public IReadOnlyList<ClientListener> Listeners => _listeners;

    /// <summary>Those of the listeners that also publish, and are answered.</summary>
    public IReadOnlyList<CentrifugoClientListener> Publishers => _publishers;

    /// <summary>Those of the listeners that also publish, and are not answered.</summary>
    public IEnumerable<RawMember> RawPublishers => _listeners.OfType<RawMember>();

    public static async Task<World> StartAsync(Fault fault)
    {
        World world = new();
        try
        {
            await world.BuildAsync(fault);
            return world;
        }
        catch
        {
            await world.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopListenersAsync();
        if (LoadBalancer is not null)
        {
            await LoadBalancer.DisposeAsync();
        }

        if (Fleet is not null)
        {
            await Fleet.DisposeAsync();
        }

        if (Proxy is not null)
        {
            await Proxy.DisposeAsync();
        }

        await (_redis?.DisposeAsync() ?? default);
        await (_group?.DisposeAsync() ?? default);
    }

    /// <summary>Ends the clients; what they have heard stays.</summary>
    public async Task StopListenersAsync()
    {
        if (_areStopped)
        {
            return;
        }

        _areStopped = true;
        await Task.WhenAll(_listeners.Select(static listener => listener.DisposeAsync().AsTask()));
        await Task.WhenAll(_sdks.Select(static sdk => sdk.DisposeAsync().AsTask()));
    }

    private async Task BuildAsync(Fault fault)
    {
        if (fault.HasReplica)
        {
            _group = await SentinelGroup.StartAsync();
            Fleet = await Fleet.StartAsync(_group.Configuration, _group.Configuration);
        }
        else
        {
            _redis = await RedisServer.StartAsync(fault.Redis);
            Proxy = TcpProxy.Start(_redis.Port);
            Fleet = await Fleet.StartAsync(Proxy.Address, _redis.Address);
        }

        LoadBalancer = new LoadBalancer(Fleet);
        int port = LoadBalancer.Port;
        foreach (string transport in _transports)
        {
            SdkListeners sdk = await SdkListeners.StartAsync(transport, port);
            _sdks.Add(sdk);
            _listeners.AddRange(Rooms.SelectMany(room => (ClientListener[])[sdk.Add(room), sdk.Add(room)]));
            sdk.Watch();
        }

        foreach (string room in Rooms)
        {
            for (int i = 0; i < 2; i++)
            {
                CentrifugoClientListener centrifugo = new(port, room);
                _publishers.Add(centrifugo);
                _listeners.AddRange([centrifugo, new SseClient(port, room), new RawMember(port, room), new RelayClientListener(port, room)]);
            }
        }

        for (int i = 0; i < Rooms.Count; i++)
        {
            _listeners.Add(new SseClient(port, Rooms[i], Rooms[(i + 1) % Rooms.Count]));
        }

        _listeners.ForEach(static listener => listener.Start());
        try
        {
            await Bounded.Eventually(() => _listeners.TrueForAll(static listener => listener.IsReady));
        }
        catch (TimeoutException error)
        {
            throw new TimeoutException($"Not ready: {string.Join(", ", _listeners.Where(static listener => !listener.IsReady))}", error);
        }
    }
}
