using System.Text;
using Weir.Connections;
using Weir.Hosting;
using Weir.Protocol;
using Weir.Relay.Access;
using Weir.Relay.Brokers;
using Weir.Relay.Nodes;
using Weir.Relay.Rooms;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Relay.Tests.Nodes;

/// <summary>The causes of closes by the relay, as the engine counts them.</summary>
public sealed class CloseCauseTests : IAsyncDisposable
{
    private readonly MetricProbe _metrics = new();
    private readonly WeirEngine _engine;
    private readonly WeirListener _listener;

    public CloseCauseTests()
    {
        _engine = new WeirEngine(loggers: null, _metrics, time: null);
        _listener = new WeirListener(_engine);
    }

    [Fact]
    public async Task BrokerUnavailable_APublicationToADurableRoomIsNotStored()
    {
        ScriptedBroker broker = new()
        {
            OnPublish = static (_, _) => ValueTask.FromException<StreamPosition>(new BrokerUnavailableException("Away.", isUnknown: false)),
        };
        await using RelayNode node = await StartAsync(broker);
        InMemoryConnection client = await OpenAsync(node);

        await client.ClientEnd.Output.WriteAsync(Frames.Text("x")).AsTask().Within();

        await AssertCloseAsync(client, 1013, "not stored", "broker_unavailable");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AccessRevoked_AClientOrItsUserIsDisconnected(bool byUser)
    {
        await using RelayNode node = await StartAsync(new MemoryBroker());
        InMemoryConnection client = await OpenAsync(node);
        string id = $"{node.NodeId}-{client.ConnectionId}";

        await node.DisconnectAsync(new Disconnection(byUser ? "ann" : "", byUser ? "" : id, (CloseCode)3503, "force disconnect"));

        await AssertCloseAsync(client, 3503, "force disconnect", "access_revoked");
    }

    public ValueTask DisposeAsync()
    {
        _listener.Wheel.Dispose();
        _metrics.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<RelayNode> StartAsync(IBroker broker)
    {
        RelayNode node = new(broker, members: null, new RelayOptions
        {
            Rules = new RoomRules(new RoomRule { Pattern = "*", HistorySize = 10, Durable = true }),
        });
        node.AddClients(new ConnectionClients(new WeirNode(_engine), node));
        _listener.Add(new WeirEndpoint("/ws", new PublishingHandler(node), new WeirOptions().ToSettings(), _engine));
        await node.StartAsync().Within();
        return node;
    }

    private async Task<InMemoryConnection> OpenAsync(RelayNode node)
    {
        InMemoryConnection transport = new();
        _ = RunAsync(transport);
        await transport.ClientEnd.Output.WriteAsync(Encoding.ASCII.GetBytes(
            """
            GET /ws HTTP/1.1
            Host: server.example.com
            Upgrade: websocket
            Connection: Upgrade
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
            Sec-WebSocket-Version: 13


            """.ReplaceLineEndings("\r\n"))).AsTask().Within();
        StringBuilder head = new();
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            head.Append((char)(await transport.ClientEnd.Input.ReadBytesAsync(1))[0]);
        }

        await Bounded.Eventually(() => node.Rooms.Any(static room => room.Listeners > 0));
        return transport;
    }

    private async Task RunAsync(InMemoryConnection transport)
    {
        await using (transport)
        {
            await new WeirMiddleware(static _ => throw new InvalidOperationException("Not for another."), _listener)
                .OnConnectionAsync(transport);
        }
    }

    private async Task AssertCloseAsync(InMemoryConnection client, int code, string reason, string cause)
    {
        ServerFrame close = await client.ClientEnd.Input.ReadFrameAsync();
        Assert.Equal((code, reason), (close.CloseCode, close.CloseReason));
        await client.ClientEnd.Output.WriteAsync(Frames.Close(code)).AsTask().Within();
        await Bounded.Eventually(() => _metrics.Sum("weir.connections.closed") == 1);
        Assert.Equal(1, _metrics.Sum("weir.connections.closed", ("weir.close.cause", cause)));
    }

    /// <summary>Joins a room with each connection, and publishes its messages there.</summary>
    private sealed class PublishingHandler(RelayNode node) : WeirHandler
    {
        public override async ValueTask OnOpenedAsync(WeirConnection connection)
        {
            Client client = new(new ClientIdentity { User = "ann" }, await node.JoinAsync("a", connection));
            connection.State = client;
        }

        public override ValueTask OnMessageAsync(WeirConnection connection, WeirMessage message)
            => node.PublishAsync(((Client)connection.State!).Room!, message.Payload, message.Kind, connection);

        private sealed record Client(ClientIdentity Identity, LocalRoom? Room) : IAuthenticatedClient;
    }
}
