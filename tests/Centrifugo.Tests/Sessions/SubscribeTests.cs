using Weir.Relay.Access;
using Weir.Relay.Brokers;
using Weir.Rooms;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Protocols.Centrifugo.Tests.Sessions;

public sealed class SubscribeTests
{
    [Fact]
    public async Task ChannelWithoutHistory_HasNoPosition()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        TestClient client = await world.ConnectAsync();

        Assert.Equal("""{"subscribe":{}}""", await client.AskAsync("subscribe", """{"channel":"a"}"""));
        await world.PublishAsync("a", """{"x":1}""");

        Assert.Equal(TestClient.Push("a", "pub", """{"data":{"x":1}}"""), await client.ReadFrameAsync());
    }

    [Fact]
    public async Task ChannelWithHistory_HasAPosition()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        string epoch = (await world.PublishAsync("kept:a", "1")).Epoch;
        TestClient client = await world.ConnectAsync();

        Assert.Equal(
            $$$"""{"subscribe":{"recoverable":true,"positioned":true,"epoch":"{{{epoch}}}","offset":1}}""",
            await client.AskAsync("subscribe", """{"channel":"kept:a","recoverable":true}"""));
        await world.PublishAsync("kept:a", "2");

        Assert.Equal(TestClient.Push("kept:a", "pub", """{"data":2,"offset":2}"""), await client.ReadFrameAsync());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(5)]
    public async Task Recover_ReturnsTheMissedPublications_AndTheRequestedPosition(int from)
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        string epoch = await FillAsync(world, "kept:a", 5);
        TestClient client = await world.ConnectAsync();

        string reply = await client.AskAsync("subscribe", $$"""{"channel":"kept:a","recover":true,"offset":{{from}},"epoch":"{{epoch}}"}""");

        string missed = string.Join(',', Enumerable.Range(from + 1, 5 - from).Select(static i => $$"""{"data":{{i}},"offset":{{i}}}"""));
        Assert.Equal(
            $$"""{"subscribe":{"recoverable":true,"positioned":true,"epoch":"{{epoch}}","offset":{{from}},"was_recovering":true,"recovered":true,"publications":["""
            + missed + "]}}",
            reply);
    }

    [Theory]
    [InlineData("short:a", 1, "")] // trimmed: 2 is missing
    [InlineData("short:a", 9, "")] // beyond the top
    [InlineData("kept:a", 3, "other")]
    [InlineData("kept:a", 0, "_")] // an SDK's epoch when its state is invalid
    public async Task Recover_WhereItCannotBeComplete_ReturnsThePositionOnly(string channel, long from, string otherEpoch)
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        string epoch = await FillAsync(world, channel, 5);
        TestClient client = await world.ConnectAsync();

        string asked = otherEpoch.Length > 0 ? otherEpoch : epoch;
        string reply = await client.AskAsync("subscribe", $$"""{"channel":"{{channel}}","recover":true,"offset":{{from}},"epoch":"{{asked}}"}""");

        Assert.Equal(
            $$$"""{"subscribe":{"recoverable":true,"positioned":true,"epoch":"{{{epoch}}}","offset":5,"was_recovering":true}}""", reply);
    }

    [Fact]
    public async Task Recover_MoreThanOneReplyMayHave_IsNotRecovered()
    {
        await using CentrifugoWorld world =
            await CentrifugoWorld.StartAsync(settings: new CentrifugoOptions { MaxPublicationsPerReply = 3 });
        string epoch = await FillAsync(world, "kept:a", 5);
        TestClient client = await world.ConnectAsync();

        Assert.Contains("\"recovered\":true", await client.AskAsync("subscribe",
            $$"""{"channel":"kept:a","recover":true,"offset":2,"epoch":"{{epoch}}"}"""), StringComparison.Ordinal);
        await client.AskAsync("unsubscribe", """{"channel":"kept:a"}""");
        string reply = await client.AskAsync("subscribe", $$"""{"channel":"kept:a","recover":true,"offset":1,"epoch":"{{epoch}}"}""");

        Assert.DoesNotContain("\"recovered\"", reply, StringComparison.Ordinal);
        Assert.Contains("\"offset\":5", reply, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Unrecoverable_WhereTheClientRequiresRecovery_IsAnError()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        await FillAsync(world, "kept:a", 5);
        TestClient client = await world.ConnectAsync();

        Assert.Equal(
            """{"error":{"code":112,"message":"unrecoverable position"}}""",
            await client.AskAsync("subscribe", """{"channel":"kept:a","recover":true,"offset":2,"epoch":"other","flag":3}"""));
        await Bounded.Eventually(() => !world.Node.Rooms.Any());
        await client.SubscribeAsync("kept:a");
    }

    [Fact]
    public async Task PublicationsWhileTheHistoryIsRead_AreInTheReplyOrBehindIt_AllOfThemOnce()
    {
        ScriptedBroker broker = new();
        TaskCompletionSource isReading = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource release = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync(broker);
        TestClient first = await world.SubscribeAsync("kept:a"); // so that the room exists and is subscribed to
        broker.Take("kept:a", "1");
        broker.Take("kept:a", "2");
        broker.OnReadHistory = async (room, query) =>
        {
            isReading.TrySetResult();
            RoomHistory read = broker.Read(room, query);
            await release.Task;
            return read;
        };
        TestClient client = await world.ConnectAsync();
        await client.SendAsync("""{"id":2,"subscribe":{"channel":"kept:a","recover":true,"offset":1,"epoch":"e1"}}""");
        await isReading.Task.Within();
        broker.Take("kept:a", "3");
        release.SetResult();

        Assert.Equal(
            """{"id":2,"subscribe":{"recoverable":true,"positioned":true,"epoch":"e1","offset":1,"was_recovering":true,"recovered":true,"publications":[{"data":2,"offset":2},{"data":3,"offset":3}]}}""",
            await client.ReadFrameAsync());
        broker.Take("kept:a", "4");
        Assert.Equal(TestClient.Push("kept:a", "pub", """{"data":4,"offset":4}"""), await client.ReadFrameAsync());
        for (int offset = 1; offset <= 4; offset++)
        {
            Assert.Contains($"\"offset\":{offset}}}", await first.ReadAsync(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task BrokerUnavailable_RecoverIsToBeRetried()
    {
        ScriptedBroker broker = new()
        {
            OnReadHistory = static (_, _) => Task.FromException<RoomHistory>(new BrokerUnavailableException("Away.", isUnknown: false)),
        };
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync(broker);
        TestClient client = await world.ConnectAsync();

        Assert.Equal(
            """{"error":{"code":100,"message":"internal server error","temporary":true}}""",
            await client.AskAsync("subscribe", """{"channel":"kept:a","recover":true,"offset":1,"epoch":"e1"}"""));
        await Bounded.Eventually(() => !world.Node.Rooms.Any());
    }

    // Without a position the client could not detect a gap, and would never recover.
    [Fact]
    public async Task BrokerNotUpYet_SubscriptionWithoutAPosition_IsToBeTriedAgain_AndThenHasOne()
    {
        ScriptedBroker broker = new()
        {
            OnReadHistory = static (_, _) => Task.FromException<RoomHistory>(new BrokerUnavailableException("Away.", isUnknown: false)),
        };
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync(broker);
        TestClient client = await world.ConnectAsync();

        Assert.Equal(
            """{"error":{"code":100,"message":"internal server error","temporary":true}}""",
                await client.AskAsync("subscribe", """{"channel":"kept:a"}"""));
        broker.OnReadHistory = null;

        Assert.StartsWith(
            """{"subscribe":{"recoverable":true,"positioned":true,"epoch":"e1",""",
                await client.AskAsync("subscribe", """{"channel":"kept:a"}"""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task BrokerNotUpYet_RoomOfTheServers_EndsTheConnect_SoThatTheClientReconnects()
    {
        ScriptedBroker broker = new()
        {
            OnReadHistory = static (_, _) => Task.FromException<RoomHistory>(new BrokerUnavailableException("Away.", isUnknown: false)),
        };
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync(broker);
        world.Access.OnConnect = static _ => ConnectResult.Allow(new ClientIdentity { Rooms = ["kept:a"] });
        TestClient client = await world.OpenAsync();

        await client.SendAsync("""{"id":1,"connect":{}}""");

        Assert.Equal("close 3004 internal server error", await client.ReadFrameAsync());
    }

    [Theory]
    [InlineData("", 107, "bad request")]
    [InlineData("$weir:nodes", 102, "unknown channel")]
    [InlineData("0123456789ABCDEF0", 102, "unknown channel")] // a byte longer than a name may be
    public async Task NameThatMayNotBe_IsRefused(string channel, int code, string message)
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync(rooms: new RoomOptions { MaxNameBytes = 16 });
        TestClient client = await world.ConnectAsync();

        Assert.Equal($$$"""{"error":{"code":{{{code}}},"message":"{{{message}}}"}}""",
            await client.AskAsync("subscribe", $$"""{"channel":"{{channel}}"}"""));
    }

    [Fact]
    public async Task Twice_AndTooMany_AreRefused()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync(rooms: new RoomOptions { MaxRoomsPerConnection = 2 });
        TestClient client = await world.ConnectAsync();
        await client.SubscribeAsync("a");

        Assert.Equal("""{"error":{"code":105,"message":"already subscribed"}}""",
            await client.AskAsync("subscribe", """{"channel":"a"}"""));
        await client.SubscribeAsync("b");
        Assert.Equal("""{"error":{"code":106,"message":"limit exceeded"}}""", await client.AskAsync("subscribe", """{"channel":"c"}"""));
        Assert.Equal("""{"unsubscribe":{}}""", await client.AskAsync("unsubscribe", """{"channel":"a"}"""));
        await client.SubscribeAsync("c");
    }

    [Theory]
    [InlineData(AccessRefusal.Missing, 103, "permission denied")]
    [InlineData(AccessRefusal.Invalid, 103, "permission denied")]
    [InlineData(AccessRefusal.Denied, 103, "permission denied")]
    [InlineData(AccessRefusal.Expired, 109, "token expired")]
    public async Task Refused_IsAnError(AccessRefusal why, int code, string message)
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        world.Access.OnSubscribe = (room, token) => room == "a" && token != "good" ? new RoomAccessResult(why) : RoomAccessResult.Allow;
        TestClient client = await world.ConnectAsync();

        Assert.Equal($$$"""{"error":{"code":{{{code}}},"message":"{{{message}}}"}}""",
            await client.AskAsync("subscribe", """{"channel":"a","token":"bad"}"""));
        Assert.Equal("""{"subscribe":{}}""", await client.AskAsync("subscribe", """{"channel":"a","token":"good"}"""));
    }

    [Fact]
    public async Task ManyInOneFrame_AreSubscribedTogether_AndReceiveEachTheirOwn()
    {
        ScriptedBroker broker = new();
        TaskCompletionSource release = new(TaskCreationOptions.RunContinuationsAsynchronously);
        broker.OnSubscribe = _ => release.Task;
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync(broker);
        TestClient client = await world.OpenAsync();

        await client.SendAsync([
            """{"id":1,"connect":{}}""",
            .. Enumerable.Range(2, 20).Select(static i => $$$"""{"id":{{{i}}},"subscribe":{"channel":"r{{{i}}}"}}"""),
            """{"id":22,"publish":{"channel":"r2","data":"behind them"}}"""]);

        Assert.StartsWith("""{"id":1,"connect":""", await client.ReadAsync(), StringComparison.Ordinal); // does not wait for them
        await Bounded.Eventually(() => broker.Calls.Count(static call => call.StartsWith("subscribe", StringComparison.Ordinal)) == 20);
        release.SetResult();
        List<string> lines = [];
        for (int i = 0; i < 22; i++)
        {
            lines.Add(await client.ReadAsync());
        }

        Assert.Equal(
            Enumerable.Range(2, 20).Select(static i => $$$"""{"id":{{{i}}},"subscribe":{}}""").Order(),
            lines.Where(static line => line.Contains("subscribe", StringComparison.Ordinal)).Order());
        Assert.Contains("""{"id":22,"publish":{}}""", lines);
        Assert.Contains(TestClient.Push("r2", "pub", """{"data":"behind them","info":{"client":"ID","user":""}}"""), lines);
    }

    [Fact]
    public async Task Unsubscribed_ReceivesNoMorePublications()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        TestClient client = await world.SubscribeAsync("a");
        await client.SubscribeAsync("b");

        Assert.Equal("""{"unsubscribe":{}}""", await client.AskAsync("unsubscribe", """{"channel":"a"}"""));
        await world.PublishAsync("a", "1");
        await world.PublishAsync("b", "2");

        Assert.Equal(TestClient.Push("b", "pub", """{"data":2}"""), await client.ReadAsync());
        Assert.Equal("""{"unsubscribe":{}}""", await client.AskAsync("unsubscribe", """{"channel":"never"}"""));
        Assert.Equal("b", Assert.Single(world.Node.Rooms).Name);
    }

    [Fact]
    public async Task ClosedConnection_LeavesItsChannels()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        TestClient client = await world.SubscribeAsync("present:a", ",\"join_leave\":true");
        Assert.Contains("\"join\":", await client.ReadAsync(), StringComparison.Ordinal);
        string reply = await client.AskAsync("presence_stats", """{"channel":"present:a"}""");
        Assert.Equal("""{"presence_stats":{"num_clients":1,"num_users":1}}""", reply);

        client.Transport.Abort();

        await client.Finished.Within();
        await Bounded.Eventually(() => !world.Node.Rooms.Any());
        Assert.Empty(await world.Node.Broker.ReadPresenceAsync("present:a", default));
        Assert.Equal(0, world.Hub.Members.Count);
    }

    [Fact]
    public async Task PositionLost_EndsTheSubscription_SoThatTheClientResubscribes()
    {
        ScriptedBroker broker = new();
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync(broker);
        TestClient client = await world.SubscribeAsync("kept:a");
        broker.Take("kept:a", "1");
        Assert.Contains("\"offset\":1", await client.ReadAsync(), StringComparison.Ordinal);

        broker.Forget("e2");
        broker.Take("kept:a", "new");

        Assert.Equal(TestClient.Push("kept:a", "unsubscribe", """{"code":2500,"reason":"insufficient state"}"""), await client.ReadAsync());
        Assert.Equal(
            """{"subscribe":{"recoverable":true,"positioned":true,"epoch":"e2","offset":1,"was_recovering":true}}""",
            await client.AskAsync("subscribe", """{"channel":"kept:a","recover":true,"offset":1,"epoch":"e1"}"""));
        broker.Take("kept:a", "2");
        Assert.Equal(TestClient.Push("kept:a", "pub", """{"data":2,"offset":2}"""), await client.ReadAsync());
    }

    [Fact]
    public async Task SubscriptionThatExpires_WithoutARefresh_IsEnded()
    {
        await using CentrifugoWorld world =
            await CentrifugoWorld.StartAsync(configure: static options => options.Heartbeat.Interval = TimeSpan.Zero);
        world.Access.OnSubscribe = (_, token) => token == "old"
            ? new RoomAccessResult(AccessRefusal.Expired) : new RoomAccessResult(AccessRefusal.None, world.Time.GetUtcNow().AddSeconds(60));
        TestClient client = await world.ConnectAsync();
        Assert.Equal("""{"subscribe":{"expires":true,"ttl":60}}""", await client.AskAsync("subscribe", """{"channel":"a","token":"t"}"""));

        world.Wait(TimeSpan.FromSeconds(60));
        Assert.Equal("""{"error":{"code":110,"message":"expired"}}""",
            await client.AskAsync("sub_refresh", """{"channel":"a","token":"old"}"""));
        Assert.Equal("""{"error":{"code":103,"message":"permission denied"}}""",
            await client.AskAsync("sub_refresh", """{"channel":"b","token":"t"}"""));
        Assert.Equal("""{"sub_refresh":{"expires":true,"ttl":60}}""",
            await client.AskAsync("sub_refresh", """{"channel":"a","token":"t"}"""));
        world.Wait(TimeSpan.FromSeconds(84));
        await world.PublishAsync("a", "1");
        Assert.Equal(TestClient.Push("a", "pub", """{"data":1}"""), await client.ReadAsync());
        world.Wait(TimeSpan.FromSeconds(1.3));

        Assert.Equal(TestClient.Push("a", "unsubscribe", """{"code":2501,"reason":"subscription expired"}"""), await client.ReadAsync());
        await Bounded.Eventually(() => !world.Node.Rooms.Any());
    }

    [Fact]
    public async Task JoinsAndLeaves_AreSentToSubscribersThatRequestThem()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        world.Access.OnConnect = static token
            => ConnectResult.Allow(new ClientIdentity { User = token!, Info = """{"n":1}"""u8.ToArray() });
        world.Access.OnSubscribe = static (_, _) => new RoomAccessResult(AccessRefusal.None, Info: """{"r":2}"""u8.ToArray());
        TestClient watcher = await world.ConnectAsync("w");
        await watcher.SubscribeAsync("present:a", ",\"join_leave\":true");
        Assert.Equal(TestClient.Push("present:a", "join",
            """{"info":{"client":"ID","user":"w","conn_info":{"n":1},"chan_info":{"r":2}}}"""), await watcher.ReadAsync());
        TestClient other = await world.ConnectAsync("o");
        await other.SubscribeAsync("present:a");
        string info = $$$$"""{"info":{"client":"{{{{other.Id}}}}","user":"o","conn_info":{"n":1},"chan_info":{"r":2}}}""";

        Assert.Equal(TestClient.Push("present:a", "join", info), await watcher.ReadAsync());
        string members = (await watcher.AskAsync("presence", """{"channel":"present:a"}"""));
        Assert.Contains($$$"""{"client":"{{{other.Id}}}","user":"o","conn_info":{"n":1},"chan_info":{"r":2}}""", members,
            StringComparison.Ordinal);
        Assert.Equal("""{"presence_stats":{"num_clients":2,"num_users":2}}""",
            await watcher.AskAsync("presence_stats", """{"channel":"present:a"}"""));
        Assert.Equal("""{"unsubscribe":{}}""", await other.AskAsync("unsubscribe", """{"channel":"present:a"}"""));

        Assert.Equal(TestClient.Push("present:a", "leave", info), await watcher.ReadAsync());
    }

    [Theory]
    [InlineData("presence")]
    [InlineData("presence_stats")]
    [InlineData("history")]
    public async Task HistoryAndPresence_NotKept_AreNotAvailable_AndAreRefusedToOthers(string method)
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        world.Access.OnSubscribe = static (room, _)
            => room == "secret" ? new RoomAccessResult(AccessRefusal.Denied) : RoomAccessResult.Allow;
        TestClient client = await world.ConnectAsync();

        Assert.Equal("""{"error":{"code":108,"message":"not available"}}""", await client.AskAsync(method, """{"channel":"a"}"""));
        Assert.Equal("""{"error":{"code":103,"message":"permission denied"}}""", await client.AskAsync(method, """{"channel":"secret"}"""));
        Assert.Equal("""{"error":{"code":107,"message":"bad request"}}""", await client.AskAsync(method, "{}"));
        Assert.Equal("""{"error":{"code":102,"message":"unknown channel"}}""", await client.AskAsync(method, """{"channel":"$weir:x"}"""));
    }

    [Fact]
    public async Task History_IsGivenAsRequested()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        string epoch = await FillAsync(world, "kept:a", 4);
        TestClient client = await world.ConnectAsync();
        string end = $$$""","epoch":"{{{epoch}}}","offset":4}}""";

        Assert.Equal("""{"history":{"publications":[]""" + end, await client.AskAsync("history", """{"channel":"kept:a"}"""));
        Assert.Equal("""{"history":{"publications":[{"data":1,"offset":1},{"data":2,"offset":2}]""" + end,
            await client.AskAsync("history", """{"channel":"kept:a","limit":2}"""));
        Assert.Equal("""{"history":{"publications":[{"data":4,"offset":4}]""" + end,
            await client.AskAsync("history", """{"channel":"kept:a","limit":1,"reverse":true}"""));
        Assert.Equal(
            """{"history":{"publications":[{"data":4,"offset":4}]""" + end,
            await client.AskAsync("history", $$$"""{"channel":"kept:a","limit":-1,"since":{"offset":3,"epoch":"{{{epoch}}}"}}"""));
        Assert.Equal(
            """{"error":{"code":112,"message":"unrecoverable position"}}""",
            await client.AskAsync("history", """{"channel":"kept:a","limit":-1,"since":{"offset":3,"epoch":"other"}}"""));
    }

    private static async Task<string> FillAsync(CentrifugoWorld world, string channel, int publications)
    {
        string epoch = "";
        for (int i = 1; i <= publications; i++)
        {
            epoch = (await world.PublishAsync(channel, $"{i}")).Epoch;
        }

        return epoch;
    }
}
