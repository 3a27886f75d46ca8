using Weir.Protocol;
using Weir.Relay.Access;
using Weir.Relay.Nodes;
using Weir.Testing;
using Xunit;

namespace Weir.Protocols.Centrifugo.Tests.Sessions;

public sealed class ConnectTests
{
    [Fact]
    public async Task Connect_IsAnswered()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        TestClient client = await world.OpenAsync();

        await client.SendAsync("""{"id":1,"connect":{"name":"js"}}""");

        Assert.Equal("""{"id":1,"connect":{"client":"ID","version":"0.1.0","ping":25,"pong":true}}""", await client.ReadFrameAsync());
    }

    [Fact]
    public async Task HeartbeatOff_PromisesNoPing()
    {
        await using CentrifugoWorld world =
            await CentrifugoWorld.StartAsync(configure: static options => options.Heartbeat.Interval = TimeSpan.Zero);
        TestClient client = await world.OpenAsync();

        await client.SendAsync("""{"id":1,"connect":{}}""");

        Assert.Equal("""{"id":1,"connect":{"client":"ID","version":"0.1.0"}}""", await client.ReadFrameAsync());
    }

    [Theory]
    [InlineData("""{"id":1,"subscribe":{"channel":"a"}}""")]
    [InlineData("""{"connect":{}}""")]
    [InlineData("""{"send":{"data":1}}""")]
    [InlineData("{}")]
    [InlineData("{ }")]
    [InlineData("not JSON")]
    public async Task FirstCommandThatIsNoConnect_IsABadRequest(string frame)
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        TestClient client = await world.OpenAsync();

        await client.SendAsync(frame);

        Assert.Equal("close 3501 bad request", await client.ReadAsync());
    }

    [Theory]
    [InlineData("""{"id":2,"connect":{}}""")]
    [InlineData("""{"subscribe":{"channel":"a"}}""")]
    [InlineData("""{"id":2,"rpc":""")]
    public async Task LaterNonsense_IsABadRequest(string frame)
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        TestClient client = await world.ConnectAsync();

        await client.SendAsync(frame);

        Assert.Equal("close 3501 bad request", await client.ReadAsync());
    }

    [Fact]
    public async Task BinaryFrame_IsABadRequest()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        TestClient client = await world.OpenAsync();

        await client.SendFrameAsync(Frames.Binary("""{"id":1,"connect":{}}"""u8));

        Assert.Equal("close 3501 bad request", await client.ReadAsync());
    }

    [Fact]
    public async Task UnknownMethod_IsAnErrorInTheReply()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        TestClient client = await world.ConnectAsync();

        Assert.Equal("""{"error":{"code":104,"message":"method not found"}}""", await client.AskAsync("fly", "{}"));
    }

    [Fact]
    public async Task Silence_IsStale()
    {
        await using CentrifugoWorld world =
            await CentrifugoWorld.StartAsync(configure: static options => options.Heartbeat.Interval = TimeSpan.Zero);
        TestClient silent = await world.OpenAsync();
        TestClient other = await world.ConnectAsync();

        world.Wait(TimeSpan.FromSeconds(10.3));

        Assert.Equal("close 3502 stale", await silent.ReadAsync());
        Assert.Equal("""{"error":{"code":104,"message":"method not found"}}""", await other.AskAsync("fly", "{}"));
    }

    [Theory]
    [InlineData(AccessRefusal.Missing, "close 3500 invalid token")]
    [InlineData(AccessRefusal.Invalid, "close 3500 invalid token")]
    [InlineData(AccessRefusal.Denied, "close 3507 permission denied")]
    public async Task Refused_IsClosedPermanently(AccessRefusal why, string close)
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        world.Access.OnConnect = _ => ConnectResult.Refuse(why);
        TestClient client = await world.OpenAsync();

        await client.SendAsync("""{"id":1,"connect":{}}""", """{"id":2,"subscribe":{"channel":"a"}}""");

        Assert.Equal(close, await client.ReadAsync());
        Assert.Empty(world.Node.Rooms);
    }

    [Fact]
    public async Task ExpiredToken_IsAnError_AndLaterCommandsAreIgnored()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        world.Access.OnConnect = static token
            => token == "new" ? ConnectResult.Allow(ClientIdentity.Anonymous) : ConnectResult.Refuse(AccessRefusal.Expired);
        TestClient client = await world.OpenAsync();

        await client.SendAsync("""{"id":1,"connect":{"token":"old"}}""", """{"id":2,"subscribe":{"channel":"a"}}""");
        Assert.Equal("""{"id":1,"error":{"code":109,"message":"token expired"}}""", await client.ReadFrameAsync());

        await client.SendAsync("""{"id":3,"connect":{"token":"new"}}""");
        Assert.StartsWith("""{"id":3,"connect":{""", await client.ReadFrameAsync(), StringComparison.Ordinal);
        Assert.Empty(world.Node.Rooms);
    }

    [Fact]
    public async Task ConnectionThatExpires_WithoutARefresh_IsClosed()
    {
        await using CentrifugoWorld world =
            await CentrifugoWorld.StartAsync(configure: static options => options.Heartbeat.Interval = TimeSpan.Zero);
        world.Access.OnConnect = _
            => ConnectResult.Allow(new ClientIdentity { User = "u", ExpiresAt = world.Time.GetUtcNow().AddSeconds(60) });
        TestClient client = await world.OpenAsync();
        await client.SendAsync("""{"id":1,"connect":{"token":"t"}}""");
        Assert.Equal("""{"id":1,"connect":{"client":"ID","version":"0.1.0","expires":true,"ttl":60}}""", await client.ReadFrameAsync());

        world.Wait(TimeSpan.FromSeconds(60));
        Assert.Equal("""{"refresh":{"client":"ID","version":"0.1.0","expires":true,"ttl":60}}""",
            await client.AskAsync("refresh", """{"token":"t2"}"""));
        world.Wait(TimeSpan.FromSeconds(84)); // of 60, and 25 of grace
        Assert.Equal("""{"error":{"code":104,"message":"method not found"}}""", await client.AskAsync("fly", "{}"));
        world.Wait(TimeSpan.FromSeconds(1.3));

        Assert.Equal("close 3005 connection expired", await client.ReadAsync());
    }

    // 24 days: what one timer of any client carries (2^31 ms, .NET Framework, Java, browsers), and so in 32 bits of seconds.
    [Theory]
    [InlineData(24, 2_073_600)]
    [InlineData(25, 2_073_600)]
    [InlineData(60, 2_073_600)]
    [InlineData(2_000_000, 2_073_600)]
    public async Task TimeToLive_OfALongToken_IsWhatATimerCarries(int days, long ttl)
    {
        await using CentrifugoWorld world =
            await CentrifugoWorld.StartAsync(configure: static options => options.Heartbeat.Interval = TimeSpan.Zero);
        world.Access.OnConnect = _
            => ConnectResult.Allow(new ClientIdentity { User = "u", ExpiresAt = world.Time.GetUtcNow().AddDays(days) });
        world.Access.OnSubscribe = (_, _) => new RoomAccessResult(AccessRefusal.None, world.Time.GetUtcNow().AddDays(days));
        string expiry = $"\"expires\":true,\"ttl\":{ttl}";
        TestClient client = await world.OpenAsync();
        await client.SendAsync("""{"id":1,"connect":{"token":"t"}}""");

        Assert.Equal($$$"""{"id":1,"connect":{"client":"ID","version":"0.1.0",{{{expiry}}}}}""", await client.ReadFrameAsync());
        Assert.Equal($$$"""{"refresh":{"client":"ID","version":"0.1.0",{{{expiry}}}}}""",
            await client.AskAsync("refresh", """{"token":"t"}"""));
        Assert.Equal($$$"""{"subscribe":{{{{expiry}}}}}""", await client.AskAsync("subscribe", """{"channel":"a","token":"t"}"""));
        Assert.Equal($$$"""{"sub_refresh":{{{{expiry}}}}}""", await client.AskAsync("sub_refresh", """{"channel":"a","token":"t"}"""));
    }

    [Theory]
    [InlineData(AccessRefusal.Expired, "close 3005 connection expired")]
    [InlineData(AccessRefusal.Invalid, "close 3500 invalid token")]
    [InlineData(AccessRefusal.Denied, "close 3507 permission denied")]
    public async Task RefreshThatIsRefused_IsTheEnd(AccessRefusal why, string close)
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        world.Access.OnConnect = token => token == "good"
            ? ConnectResult.Allow(new ClientIdentity { User = "u", ExpiresAt = world.Time.GetUtcNow().AddSeconds(60) })
                : ConnectResult.Refuse(why);
        TestClient client = await world.ConnectAsync("good");

        Assert.Equal(close, await client.AskAsync("refresh", """{"token":"other"}"""));
    }

    [Fact]
    public async Task RefreshAsAnotherUser_IsRefused()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        world.Access.OnConnect = token
            => ConnectResult.Allow(new ClientIdentity { User = token!, ExpiresAt = world.Time.GetUtcNow().AddSeconds(60) });
        TestClient client = await world.ConnectAsync("alice");

        Assert.Equal("close 3500 invalid token", await client.AskAsync("refresh", """{"token":"bob"}"""));
    }

    [Fact]
    public async Task Disconnect_ByUserAndByClient_EndsOnlyTheNamed()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        world.Access.OnConnect = static token => ConnectResult.Allow(new ClientIdentity { User = token! });
        TestClient first = await world.ConnectAsync("alice");
        TestClient second = await world.ConnectAsync("alice");
        TestClient other = await world.ConnectAsync("bob");
        Assert.Equal(2, world.Hub.Users);

        await world.Node.DisconnectAsync(new Disconnection("alice", first.Id, (CloseCode)4001, "one"));
        Assert.Equal("close 4001 one", await first.ReadAsync());
        await world.Node.DisconnectAsync(new Disconnection("alice", "", (CloseCode)4002, "all"));
        Assert.Equal("close 4002 all", await second.ReadAsync());
        Assert.Equal("""{"error":{"code":104,"message":"method not found"}}""", await other.AskAsync("fly", "{}"));

        first.Transport.Abort();
        second.Transport.Abort();
        await Bounded.Eventually(() => world.Hub.Users == 1);
    }

    [Fact]
    public async Task SeveralCommands_AreAnsweredInOneFrame()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        TestClient client = await world.OpenAsync();

        await client.SendAsync(
            """{"id":1,"connect":{}}""",
            """{"id":2,"publish":{"channel":"a","data":1}}""",
            """{"id":3,"presence":{"channel":"present:a"}}""",
            """{"id":4,"history":{"channel":"kept:a","limit":1}}""");

        string[] replies = (await client.ReadFrameAsync()).Split('\n');
        Assert.Equal(
            [
                """{"id":1,"connect":{"client":"ID","version":"0.1.0","ping":25,"pong":true}}""",
                """{"id":2,"publish":{}}""",
                """{"id":3,"presence":{"presence":{}}}""",
            ],
            replies[..3]);
        Assert.Matches("""^{"id":4,"history":{"publications":\[\],"epoch":"[0-9a-f]+","offset":0}}$""", replies[3]);
    }
}
