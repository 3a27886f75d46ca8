using Weir.Hosting;
using Weir.Protocol;
using Weir.Protocols.Centrifugo.Applications;
using Weir.Relay.Access;
using Weir.Relay.Brokers;
using Weir.Relay.Nodes;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Protocols.Centrifugo.Tests.Sessions;

/// <summary>Each disconnect of the protocol over WebSocket, with the cause that the engine counts and logs.</summary>
public sealed class CloseCauseTests
{
    [Theory]
    [InlineData("""{"id":1,"subscribe":{"channel":"a"}}""")]
    [InlineData("{]")]
    public async Task ProtocolError_ACommandOrderOrFormIsWrong(string command)
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        TestClient client = await world.OpenAsync();

        await client.SendAsync(command);

        await AssertEndAsync(world, client, "close 3501 bad request", "protocol_error");
    }

    [Theory]
    [InlineData(AccessRefusal.Invalid, "close 3500 invalid token")]
    [InlineData(AccessRefusal.Denied, "close 3507 permission denied")]
    public async Task AccessDenied_TheConnectIsRefused(AccessRefusal refusal, string close)
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        world.Access.OnConnect = _ => ConnectResult.Refuse(refusal);
        TestClient client = await world.OpenAsync();

        await client.SendAsync("""{"id":1,"connect":{"token":"t"}}""");

        await AssertEndAsync(world, client, close, "access_denied");
    }

    [Fact]
    public async Task ConnectTimeout_TheClientDoesNotConnect()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync(configure: NoHeartbeat);
        TestClient client = await world.OpenAsync();

        world.Wait(TimeSpan.FromSeconds(11));

        await AssertEndAsync(world, client, "close 3502 stale", "connect_timeout");
    }

    [Fact]
    public async Task TokenExpired_TheTokensTimeHasPassed()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync(configure: NoHeartbeat);
        world.Access.OnConnect = _
            => ConnectResult.Allow(new ClientIdentity { User = "u", ExpiresAt = world.Time.GetUtcNow().AddSeconds(60) });
        TestClient client = await world.ConnectAsync("t");

        world.Wait(TimeSpan.FromSeconds(60 + 25 + 1));

        await AssertEndAsync(world, client, "close 3005 connection expired", "token_expired");
    }

    [Fact]
    public async Task TokenExpired_ARefreshBringsAnExpiredToken()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync(configure: NoHeartbeat);
        world.Access.OnConnect = _
            => ConnectResult.Allow(new ClientIdentity { User = "u", ExpiresAt = world.Time.GetUtcNow().AddSeconds(60) });
        TestClient client = await world.ConnectAsync("t");
        world.Access.OnConnect = static _ => ConnectResult.Refuse(AccessRefusal.Expired);

        await client.SendAsync("""{"id":2,"refresh":{"token":"old"}}""");

        await AssertEndAsync(world, client, "close 3005 connection expired", "token_expired");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AccessRevoked_TheUserOrClientIsDisconnected(bool byUser)
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        world.Access.OnConnect = static _ => ConnectResult.Allow(new ClientIdentity { User = "ann" });
        TestClient client = await world.ConnectAsync();

        // Without AddWeir there are no clients but those of the protocol, which finds WebSocket sessions by their user.
        await world.Node.DisconnectAsync(new Disconnection("ann", byUser ? "" : client.Id, (CloseCode)3503, "force disconnect"));

        await AssertEndAsync(world, client, "close 3503 force disconnect", "access_revoked");
    }

    [Fact]
    public async Task RateLimited_TooManyMessages()
    {
        await using CentrifugoWorld world =
            await CentrifugoWorld.StartAsync(configure: static options => options.Inbound.MessagesPerSecond = 2);
        TestClient client = await world.ConnectAsync();

        await client.SendAsync([.. Enumerable.Repeat("""{"send":{"data":1}}""", 30)]);

        await AssertEndAsync(world, client, "close 3013 too many requests", "rate_limited");
    }

    [Fact]
    public async Task HeartbeatTimeout_TheClientAnswersNoPing()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        TestClient client = await world.ConnectAsync();

        world.Wait(TimeSpan.FromSeconds(25 + 8 + 1));
        Assert.Equal("{}", await client.ReadFrameAsync());

        await AssertEndAsync(world, client, "close 3012 no pong", "heartbeat_timeout");
    }

    [Fact]
    public async Task SlowConsumer_TheClientDoesNotRead()
    {
        await using CentrifugoWorld world =
            await CentrifugoWorld.StartAsync(configure: static options => options.Pressure.CloseAtBytes = 10_000);
        TestClient client = await world.CloseAsTooSlowAsync();
        await client.SendFrameAsync(Frames.Close(3008));

        await AssertCauseAsync(world, client, "slow_consumer");
    }

    [Fact]
    public async Task Draining_TheNodeDrains()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        TestClient client = await world.ConnectAsync();

        Task drain = Drain.RunAsync(world.Listener.Engine, TimeSpan.Zero, Drain.LastCloseTimeout, default);

        await AssertEndAsync(world, client, "close 3001 shutdown", "draining");
        world.Wait(TimeSpan.FromSeconds(1));
        await drain.Within();
    }

    [Fact]
    public async Task HandlerFailed_TheAccessThrows()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        world.Access.OnConnect = static _ => throw new InvalidOperationException("bug");
        TestClient client = await world.OpenAsync();

        await client.SendAsync("""{"id":1,"connect":{}}""");

        await AssertEndAsync(world, client, "close 3004 internal server error", "handler_failed");
    }

    [Fact]
    public async Task BrokerUnavailable_AChannelOfTheServersCannotBeSubscribed()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync(new ScriptedBroker
        {
            OnReadHistory = static (_, _) => Task.FromException<RoomHistory>(new BrokerUnavailableException("Away.", isUnknown: false)),
        });
        world.Access.OnConnect = static _ => ConnectResult.Allow(new ClientIdentity { Rooms = ["kept:a"] });
        TestClient client = await world.OpenAsync();

        await client.SendAsync("""{"id":1,"connect":{}}""");

        await AssertEndAsync(world, client, "close 3004 internal server error", "broker_unavailable");
    }

    [Fact]
    public async Task BrokerUnavailable_PublicationsOfTheServersChannelAreLost()
    {
        ScriptedBroker broker = new();
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync(broker);
        world.Access.OnConnect = static _ => ConnectResult.Allow(new ClientIdentity { Rooms = ["kept:own"] });
        TestClient client = await world.ConnectAsync();
        broker.Take("kept:own", "1");
        Assert.Contains("\"offset\":1", await client.ReadAsync(), StringComparison.Ordinal);

        broker.Forget("e2");
        broker.Take("kept:own", "new");

        await AssertEndAsync(world, client, "close 3010 insufficient state", "broker_unavailable");
    }

    [Fact]
    public async Task ApplicationClosed_TheApplicationDisconnects()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync(application: new Strict());
        TestClient client = await world.ConnectAsync();

        await client.SendAsync("""{"send":{"data":1}}""");

        await AssertEndAsync(world, client, "close 4100 enough", "application_closed");
    }

    private static void NoHeartbeat(WeirOptions options) => options.Heartbeat.Interval = TimeSpan.Zero;

    private static async Task AssertEndAsync(CentrifugoWorld world, TestClient client, string close, string cause)
    {
        Assert.Equal(close, await client.ReadFrameAsync());
        await client.SendFrameAsync(Frames.Close(int.Parse(close.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture)));
        await AssertCauseAsync(world, client, cause);
    }

    private static async Task AssertCauseAsync(CentrifugoWorld world, TestClient client, string cause)
    {
        await client.Finished.Within();
        Assert.Equal(1, world.Metrics.Sum("weir.connections.closed"));
        Assert.Equal(1, world.Metrics.Sum("weir.connections.closed", ("weir.close.cause", cause)));
        Assert.Equal(cause, Assert.Single(world.Log.Of("ConnectionClosed")).Values["Cause"]);
    }

    private sealed class Strict : CentrifugoApplication
    {
        public override ValueTask OnMessageAsync(CentrifugoSession client, ReadOnlyMemory<byte> data)
        {
            client.Disconnect((CloseCode)4100, "enough");
            return ValueTask.CompletedTask;
        }
    }
}
