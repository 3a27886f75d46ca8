using Weir.Relay.Access;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Protocols.Centrifugo.Tests.Sessions;

/// <summary>Channels that the server puts a client into by itself.</summary>
public sealed class ServerSubscriptionTests
{
    [Fact]
    public async Task Connect_HasTheChannels_AndTheirPublicationsFollow()
    {
        await using CentrifugoWorld world = await StartAsync();
        string epoch = (await world.PublishAsync("kept:own", "1")).Epoch;
        TestClient client = await world.OpenAsync();

        await client.SendAsync("""{"id":1,"connect":{}}""");

        Assert.Equal(
            $$$$$"""{"id":1,"connect":{"client":"ID","version":"0.1.0","ping":25,"pong":true,"subs":{"own":{},"kept:own":{"recoverable":true,"positioned":true,"epoch":"{{{{{epoch}}}}}","offset":1}}}}""",
            await client.ReadFrameAsync());

        // Commands are handled in order: after this answer the connect is over, and publications are shared from now on.
        Assert.Equal("""{"error":{"code":105,"message":"already subscribed"}}""",
            await client.AskAsync("subscribe", """{"channel":"own"}"""));
        for (int i = 2; i < 6; i++)
        {
            await world.PublishAsync("kept:own", $"{i}");
            Assert.Equal(TestClient.Push("kept:own", "pub", $$$"""{"data":{{{i}}},"offset":{{{i}}}}"""), await client.ReadFrameAsync());
        }

        await Bounded.Eventually(() => world.Hub.Members.Deliveries == 4); // it shares frames with others
    }

    [Fact]
    public async Task Reconnect_GetsWhatWasMissed()
    {
        await using CentrifugoWorld world = await StartAsync();
        string epoch = (await world.PublishAsync("kept:own", "1")).Epoch;
        await world.PublishAsync("kept:own", "2");
        TestClient client = await world.OpenAsync();

        await client.SendAsync($$$$$"""{"id":1,"connect":{"subs":{"kept:own":{"recover":true,"offset":1,"epoch":"{{{{{epoch}}}}}"}}}}""");

        Assert.Contains(
            $$$"""{"kept:own":{"recoverable":true,"positioned":true,"epoch":"{{{epoch}}}","offset":1,"was_recovering":true,"recovered":true,"publications":[{"data":2,"offset":2}]}"""[1..],
            await client.ReadFrameAsync(),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task PublicationsBeforeTheConnectIsAnswered_ComeBehindIt()
    {
        ScriptedBroker broker = new();
        TaskCompletionSource release = new(TaskCreationOptions.RunContinuationsAsynchronously);
        broker.OnSubscribe = room => room == "own" ? release.Task : Task.CompletedTask;
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync(broker);
        world.Access.OnConnect = static _ => ConnectResult.Allow(new ClientIdentity { Rooms = ["kept:own", "own"] });
        TestClient client = await world.OpenAsync();
        await client.SendAsync("""{"id":1,"connect":{}}""");
        await Bounded.Eventually(() => world.Node.Rooms.Any(static room => room is { Name: "kept:own", Listeners: 1 }));
        await Bounded.Eventually(() => broker.Calls.Contains("read kept:own"));
        world.Access.OnConnect = static _ => ConnectResult.Allow(ClientIdentity.Anonymous);
        TestClient other = await world.SubscribeAsync("kept:own");
        broker.Take("kept:own", "1");
        broker.Take("kept:own", "2");
        Assert.Contains("\"offset\":1", await other.ReadAsync(), StringComparison.Ordinal);
        Assert.Contains("\"offset\":2", await other.ReadAsync(), StringComparison.Ordinal);
        release.SetResult();

        Assert.StartsWith("""{"id":1,"connect":{""", await client.ReadFrameAsync(), StringComparison.Ordinal);
        Assert.Equal(TestClient.Push("kept:own", "pub", """{"data":1,"offset":1}"""), await client.ReadFrameAsync());
        Assert.Equal(TestClient.Push("kept:own", "pub", """{"data":2,"offset":2}"""), await client.ReadFrameAsync());
        broker.Take("kept:own", "3");
        Assert.Equal(TestClient.Push("kept:own", "pub", """{"data":3,"offset":3}"""), await client.ReadFrameAsync());
    }

    [Fact]
    public async Task PositionLost_ClosesTheConnection_SoThatTheClientReconnects()
    {
        ScriptedBroker broker = new();
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync(broker);
        world.Access.OnConnect = static _ => ConnectResult.Allow(new ClientIdentity { Rooms = ["kept:own"] });
        TestClient client = await world.ConnectAsync();
        broker.Take("kept:own", "1");
        Assert.Contains("\"offset\":1", await client.ReadAsync(), StringComparison.Ordinal);

        broker.Forget("e2");
        broker.Take("kept:own", "new");

        Assert.Equal("close 3010 insufficient state", await client.ReadAsync());
    }

    private static async Task<CentrifugoWorld> StartAsync()
    {
        CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        world.Access.OnConnect = static _ => ConnectResult.Allow(new ClientIdentity { Rooms = ["own", "kept:own", "$weir:nodes", "own"] });
        return world;
    }
}
