using System.Net;
using Weir.Chaos.Brokers;
using Weir.Testing;
using Weir.TestSupport.Servers;

namespace Weir.Chaos.Matrix;

/// <summary>A broker, two nodes on it, a load balancer in front, and clients of every protocol and transport.</summary>
internal sealed class World : IAsyncDisposable
{
    private static readonly string[] _transports = ["websocket", "http_stream", "sse"];

    private readonly HttpClient _http1 = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = Timeout.InfiniteTimeSpan };
    private readonly HttpClient _http2 = MakeHttp2Client();
    private readonly HttpClient _commands = MakeHttp2Client();
    private readonly List<ClientListener> _listeners = [];
    private readonly List<SdkListeners> _sdks = [];
    private readonly List<CentrifugoClientListener> _publishers = [];
    private IChaosServer? _server;
    private LoadBalancer? _balancer;
    private LoadBalancer? _secureBalancer;
    private bool _areStopped;

    /// <summary>Which faults a long run has, a part of their names; <c>null</c>: this is a short run.</summary>
    public static string? LongForm => Environment.GetEnvironmentVariable("WEIR_MATRIX_FAULT");

    /// <summary>Two durable rooms and two that keep history and are not durable.</summary>
    public IReadOnlyList<string> Rooms { get; } = ["room0", "room1", Fleet.KeptPrefix + "0", Fleet.KeptPrefix + "1"];

    /// <summary>The server of the broker.</summary>
    public IChaosServer Server => _server!;

    /// <summary>Between the first node and the server of the broker.</summary>
    public TcpProxy Proxy { get; private set; } = null!;

    public Fleet Fleet { get; private set; } = null!;

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
        await (_balancer?.DisposeAsync() ?? default);
        await (_secureBalancer?.DisposeAsync() ?? default);
        if (Fleet is not null)
        {
            await Fleet.DisposeAsync();
        }

        if (Proxy is not null)
        {
            await Proxy.DisposeAsync();
        }

        await (_server?.DisposeAsync() ?? default);
        _http1.Dispose();
        _http2.Dispose();
        _commands.Dispose();
    }

    /// <summary>Resets every connection of a client.</summary>
    public void ResetClients()
    {
        _balancer!.ResetClients();
        _secureBalancer!.ResetClients();
    }

    /// <summary>Has all clients neither read nor answer for a while.</summary>
    public Task HoldClientsAsync(TimeSpan time)
        => Task.WhenAll(_balancer!.HoldClientsAsync(time), _secureBalancer!.HoldClientsAsync(time));

    /// <summary>Holds the processes of the clients that have processes of their own.</summary>
    public Task PauseClientsAsync(TimeSpan time) => Task.WhenAll(_sdks.Select(sdk => sdk.PauseAsync(time)));

    /// <summary>Ends the clients; what they have received stays.</summary>
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

    // One connection for all of its streams; one without data for long is closed.
    private static HttpClient MakeHttp2Client() => new(new SocketsHttpHandler
    {
        UseProxy = false,
        KeepAlivePingDelay = TimeSpan.FromSeconds(2),
        KeepAlivePingTimeout = TimeSpan.FromSeconds(10),
        SslOptions = { RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null },
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
        DefaultRequestVersion = HttpVersion.Version20,
    };

    private async Task BuildAsync(Fault fault)
    {
        _server = await (fault.StartAsync is { } start ? start() : ChaosBroker.Current.StartAsync(fault.KeepsData));
        if (_server.Port is { } serverPort)
        {
            Proxy = TcpProxy.Start(serverPort);
            Fleet = await Fleet.StartAsync(_server.SettingsAt(Proxy.Port), _server.SettingsAt(serverPort));
        }
        else
        {
            Fleet = await Fleet.StartAsync(_server, nodes: 2);
        }

        _balancer = new LoadBalancer(Fleet, Fleet.AddressOf);
        _secureBalancer = new LoadBalancer(Fleet, Fleet.SecureAddressOf);
        int port = _balancer.Port;
        Uri origin = new($"http://127.0.0.1:{port}");
        Uri secure = new($"https://127.0.0.1:{_secureBalancer.Port}");
        foreach (string transport in _transports)
        {
            SdkListeners sdk = await SdkListeners.StartAsync(transport, port);
            _sdks.Add(sdk);
            _listeners.AddRange(Rooms.SelectMany(room => (ClientListener[])[.. sdk.Add(room), .. sdk.Add(room)]));
            sdk.Watch();
        }

        foreach (string room in Rooms)
        {
            for (int i = 0; i < 2; i++)
            {
                CentrifugoClientListener centrifugo = new(port, room);
                _publishers.Add(centrifugo);
                SseClient sse = new(Way.Sse, _http1, origin, room);
                _listeners.AddRange([centrifugo, sse, new RawMember(port, room), new RelayClientListener(port, room)]);
            }

            _listeners.Add(new SseClient(Way.SseOverHttp2, _http2, secure, room));
            _listeners.Add(new HttpStreamClient(_http2, _commands, secure, room));
        }

        for (int i = 0; i < Rooms.Count; i++)
        {
            _listeners.Add(new SseClient(Way.SseOfTwo, _http1, origin, Rooms[i], Rooms[(i + 1) % Rooms.Count]));
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
