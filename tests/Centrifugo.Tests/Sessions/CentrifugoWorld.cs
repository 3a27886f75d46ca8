using System.Text;
using Microsoft.Extensions.Time.Testing;
using Weir.Connections;
using Weir.Hosting;
using Weir.Limits;
using Weir.Protocols.Centrifugo.Applications;
using Weir.Protocols.Centrifugo.Protocol.Json;
using Weir.Protocols.Centrifugo.Sessions;
using Weir.Relay;
using Weir.Relay.Brokers;
using Weir.Relay.Nodes;
using Weir.Rooms;
using Weir.Testing;

namespace Weir.Protocols.Centrifugo.Tests.Sessions;

/// <summary>
/// A node that serves the protocol without a socket, on a clock that the test moves. Rooms "kept:*" have history, "short:*" two
/// publications of it, "present:*" presence, "durable:*" history that a publish must be stored in.
/// </summary>
internal sealed class CentrifugoWorld : IAsyncDisposable
{
    private readonly List<TestClient> _clients = [];

    private CentrifugoWorld(
        IBroker broker, RoomOptions? rooms, CentrifugoApplication? application, Action<WeirOptions>? configure, CentrifugoOptions settings)
    {
        WeirEngine engine = new(Log, Metrics, Time);
        RelayOptions options = new()
        {
            Rules = new RoomRules(
                new RoomRule { Pattern = "kept:*", HistorySize = 1000 },
                new RoomRule { Pattern = "short:*", HistorySize = 2 },
                new RoomRule { Pattern = "present:*", Presence = true },
                new RoomRule { Pattern = "durable:*", HistorySize = 1000, Durable = true }),
        };
        Node = new RelayNode(broker, new RoomDirectory(rooms), options, Log, Metrics, Time);
        Hub = new CentrifugoHub(Node, Access, application, new WeirNode(engine), settings.ToSettings(), JsonForm.Instance, Log);
        WeirOptions sockets = new();
        CentrifugoEndpointExtensions.Apply(sockets, configure);
        InboundLimit? limit = sockets.Inbound.CreateLimit(CentrifugoHub.RateTick);
        Listener = new WeirListener(engine);
        Listener.Add(new WeirEndpoint("/connection/websocket", new SocketHandler(Hub, sockets.Heartbeat.Interval, limit),
            sockets.ToSettings(), engine));
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public LogProbe Log { get; } = new();

    public MetricProbe Metrics { get; } = new();

    public ScriptedAccess Access { get; } = new();

    public RelayNode Node { get; }

    public CentrifugoHub Hub { get; }

    public WeirListener Listener { get; }

    public static async Task<CentrifugoWorld> StartAsync(
        IBroker? broker = null,
        RoomOptions? rooms = null,
        CentrifugoApplication? application = null,
        Action<WeirOptions>? configure = null,
        CentrifugoOptions? settings = null)
    {
        CentrifugoWorld world = new(broker ?? new MemoryBroker(), rooms, application, configure, settings ?? new CentrifugoOptions());
        await world.Node.StartAsync().Within();
        return world;
    }

    /// <summary>A connection on which the client has not sent anything yet.</summary>
    public async Task<TestClient> OpenAsync(bool gated = false)
    {
        InMemoryConnection transport = gated ? new GatedConnection(new InMemoryConnectionOptions()) : new InMemoryConnection();
        TestClient client = new(this, transport, RunAsync(transport));
        _clients.Add(client);
        await client.ShakeHandsAsync();
        return client;
    }

    /// <summary>A client that is connected.</summary>
    public async Task<TestClient> ConnectAsync(string token = "", bool gated = false)
    {
        TestClient client = await OpenAsync(gated);
        await client.SendAsync($$$"""{"id":1,"connect":{"token":"{{{token}}}"}}""");
        string reply = await client.ReadAsync();
        Xunit.Assert.StartsWith("""{"id":1,"connect":{"client":"ID",""", reply, StringComparison.Ordinal);
        return client;
    }

    /// <summary>A client that is connected, and subscribed to a channel.</summary>
    public async Task<TestClient> SubscribeAsync(string channel, string more = "")
    {
        TestClient client = await ConnectAsync();
        await client.SubscribeAsync(channel, more);
        return client;
    }

    public Task<StreamPosition> PublishAsync(string channel, string text)
        => Node.PublishAsync(channel, new Publication { Data = Encoding.UTF8.GetBytes(text) }).Within();

    /// <summary>Lets time pass tick by tick of the wheels, which take a leap for a process pause and do not count it.</summary>
    public void Wait(TimeSpan span)
    {
        for (TimeSpan passed = TimeSpan.Zero; passed < span; passed += Listener.Wheel.Tick)
        {
            Time.Advance(Listener.Wheel.Tick);
        }
    }

    /// <summary>Returns a client that did not read what its channel was sent, when its close frame "slow" has arrived.</summary>
    public async Task<TestClient> CloseAsTooSlowAsync()
    {
        TestClient client = await OpenAsync(gated: true);
        await client.SendAsync("""{"id":1,"connect":{}}""", """{"id":2,"subscribe":{"channel":"a"}}""");
        await Bounded.Eventually(() => client.GatedFrames().Any(static frame => frame.Contains("subscribe", StringComparison.Ordinal)));
        client.Gate.Hold();
        string message = $"\"{new string('x', 1000)}\"";
        while (Metrics.Sum("weir.connections.too_slow") == 0)
        {
            await PublishAsync("a", message);
        }

        client.Gate.Release();
        await Bounded.Eventually(() => client.GatedFrames()[^1] == "close 3008 slow");
        return client;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (TestClient client in _clients)
        {
            client.Transport.Abort();
            await client.Finished.Within();
        }

        await Node.DisposeAsync();
        Listener.Wheel.Dispose();
        Hub.Node.Calendar.Dispose();
        Metrics.Dispose();
    }

    private async Task RunAsync(InMemoryConnection transport)
    {
        await using (transport)
        {
            await new WeirMiddleware(static _ => throw new InvalidOperationException("Not for another."), Listener)
                .OnConnectionAsync(transport);
        }
    }
}
