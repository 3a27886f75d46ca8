using System.Text.Json;
using Weir.Integration.Hosting;
using Weir.Integration.Relay;
using Weir.Integration.Servers;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;
using static Weir.Integration.Auth.AuthHost;

namespace Weir.Integration.Auth;

/// <summary>The raw relay where tokens are needed.</summary>
public sealed class RawAccessTests(AuthHost server) : IClassFixture<AuthHost>
{
    private const string Everything = "\"sub\":\"u1\",\"channels\":[\"*\"]";

    private readonly HostProcess _host = server.Process;

    public static TheoryData<string, string> BadTokens { get; } = new()
    {
        { "", "unauthorized" },
        { "&token=", "unauthorized" },
        { "&token=garbage", "unauthorized" },
        { "&token=a.b.c", "unauthorized" },
        { "&token=" + new string('x', 12_000), "unauthorized" },
        { "&token=" + Tokens.Make(Everything)[..^1], "unauthorized" },
        { "&token=" + Tokens.Make(Everything, secret: "another secret, which is long enough"), "unauthorized" },
        { "&token=" + Tokens.Make(Everything, header: """{"alg":"none"}"""), "unauthorized" },
        { "&token=" + Tokens.Make(Everything, header: """{"alg":"RS256"}"""), "unauthorized" },
        { "&token=" + Tokens.Make(Everything + ",\"aud\":\"others\""), "unauthorized" },
        { "&token=" + Tokens.Make(Everything + ",\"nbf\":4000000000"), "unauthorized" },
        { "&token=" + Tokens.Make(Everything + ",\"exp\":1"), "token expired" },
        { "&token=" + Tokens.Make("\"sub\":\"u1\",\"channel\":\"r\""), "unauthorized" },
    };

    [Theory]
    [MemberData(nameof(BadTokens))]
    public async Task Token_ThatIsNotGood_IsClosedAtOnceWithAReasonForThePage(string token, string reason)
    {
        Assert.Equal((4401, reason), await RefusedAsync(_host, "/ws?room=r" + token));
        Assert.Equal((4401, reason), await RefusedAsync(_host, "/echo?x=" + token));
    }

    [Fact]
    public async Task Token_OfAMegabyte_DoesNotFitIntoARequest()
    {
        using RawClient client = await _host.ConnectAsync();

        await client.SendHeadAsync(Heads.Upgrade("/ws?room=r&token=" + new string('x', 1 << 20)));

        Assert.Contains((await client.ReadHeadAsync()).Status, (int[])[414, 431]); // whichever is found first, line or head
    }

    [Fact]
    public async Task Token_InEachOfItsPlaces_IsAccepted()
    {
        string token = Tokens.Make(Everything);
        using RawClient first = await _host.OpenAsync("/ws?room=places", $"Authorization: Bearer {token}\r\n");
        using RawClient second = await _host.OpenAsync("/ws?room=places", $"Cookie: a=b; session={token}; c=d\r\n");
        using RawClient third = await _host.OpenAsync($"/ws?room=places&token={token}");

        await first.SendTextAsync("hello");

        Assert.Equal("hello", (await second.ReadFrameAsync()).Text);
        Assert.Equal("hello", (await third.ReadFrameAsync()).Text);
    }

    [Fact]
    public async Task PipelineUpgrade_IsAuthorizedToo()
    {
        using RawClient client = await _host.ConnectAsync();
        await client.SendHeadAsync($"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1:{_host.Port}\r\n\r\n");
        await HttpBody.ReadAsync(client, await client.ReadHeadAsync());

        await client.HandshakeAsync("/ws?room=r", "", $"127.0.0.1:{_host.Port}");

        ServerFrame close = await client.ReadFrameAsync();
        Assert.Equal((4401, "unauthorized"), (close.CloseCode, close.CloseReason));
    }

    [Theory]
    [InlineData("other")]
    [InlineData("private:x")]
    [InlineData("mine:u1&room=other")]
    public async Task Room_ThatIsNotGranted_IsForbidden(string rooms)
        => Assert.Equal((4403, "forbidden"),
            await RefusedAsync(_host, $"/ws?room={rooms}&token={Tokens.Make("\"sub\":\"u1\",\"channels\":[\"mine:*\",\"private:*\"]")}"));

    [Fact]
    public async Task Room_WithATokenOfItsOwn_IsOpenToItsUser()
    {
        string connect = Tokens.Make("\"sub\":\"u1\"");
        string room = RelayHost.NewRoom("private");
        string ofUser = Tokens.Make($"\"sub\":\"u1\",\"channel\":\"{room}\",\"info\":{{\"seat\":7}}");
        string ofOther = Tokens.Make($"\"sub\":\"u2\",\"channel\":\"{room}\"");
        string ofOtherRoom = Tokens.Make("\"sub\":\"u1\",\"channel\":\"private:other\"");

        Assert.Equal((4401, "unauthorized"), await RefusedAsync(_host, $"/ws?room={room}&token={connect}&room_token={ofOther}"));
        Assert.Equal((4401, "unauthorized"), await RefusedAsync(_host, $"/ws?room={room}&token={connect}&room_token={ofOtherRoom}"));
        using RawClient listener = await _host.OpenAsync($"/ws?room=open:a&room={room}&token={connect}&room_token=&room_token={ofUser}");
        using RawClient speaker = await _host.OpenAsync($"/ws?room={room}&token={connect}&room_token={ofUser}");
        await speaker.SendTextAsync("in private");

        Assert.Equal("in private", (await listener.ReadFrameAsync()).Text);
        JsonElement present = await RelayHost.CallAsync(server.Http, "presence", $$"""{"channel":"{{room}}"}""");
        JsonElement[] members =
            [.. present.GetProperty("result").GetProperty("presence").EnumerateObject().Select(static member => member.Value)];
        Assert.Equal(2, members.Length);
        Assert.All(members, static member => Assert.Equal("u1", member.GetProperty("user").GetString()));
        Assert.All(members, static member => Assert.Equal(7, member.GetProperty("chan_info").GetProperty("seat").GetInt32()));
    }

    [Fact]
    public async Task Publishing_WhereItIsNotGranted_ClosesTheConnection()
    {
        string token = Tokens.Make(Everything);
        foreach (string room in (string[])["news:x", "stage:x"])
        {
            using RawClient client = await _host.OpenAsync($"/ws?room={room}&token={token}");
            await client.SendTextAsync("may I?");
            ServerFrame close = await client.ReadFrameAsync();
            Assert.Equal((4403, "forbidden"), (close.CloseCode, close.CloseReason));
        }
    }

    [Fact]
    public async Task Publishing_ReachesTheRoomsWhereItIsGranted()
    {
        string listens = Tokens.Make(Everything);
        string speaks = Tokens.Make("\"sub\":\"u2\",\"channels\":[\"*\"],\"publish\":[\"stage:*\"]");
        using RawClient stage = await _host.OpenAsync($"/ws?room=stage:main&token={listens}");
        using RawClient other = await _host.OpenAsync($"/ws?room=elsewhere&token={listens}");
        using RawClient speaker = await _host.OpenAsync($"/ws?room=elsewhere&room=stage:main&room=news:y&token={speaks}");

        await speaker.SendTextAsync("on stage");
        Assert.Equal("on stage", (await stage.ReadFrameAsync()).Text);
        await speaker.SettleAsync();
        await other.SettleAsync(); // and its answer is the first data that it receives
    }

    [Fact]
    public async Task Expiry_ClosesTheConnection()
    {
        using RawClient byToken = await _host.OpenAsync($"/ws?room=open:x&token={Tokens.Make($"\"sub\":\"u1\",\"exp\":{Tokens.In(5)}")}");
        using RawClient byRoom = await _host.OpenAsync(
            $"/ws?room=private:x&token={Tokens.Make("\"sub\":\"u1\"")}&room_token={Tokens.Make($"\"sub\":\"u1\",\"channel\":\"private:x\",\"exp\":{Tokens.In(5)}")}");

        foreach (RawClient client in (RawClient[])[byToken, byRoom])
        {
            ServerFrame close = await client.ReadFrameAsync();
            Assert.Equal((4401, "token expired"), (close.CloseCode, close.CloseReason));
        }
    }

    [Fact]
    public async Task Disconnect_ByUser_EndsItsConnectionsAndStreams()
    {
        string user = Guid.NewGuid().ToString("N");
        string token = Tokens.Make($"\"sub\":\"{user}\"");
        using RawClient first = await _host.OpenAsync($"/ws?room=open:d&token={token}");
        using RawClient second = await _host.OpenAsync($"/ws?room=open:d&room=open:e&token={token}");
        using RawClient other = await _host.OpenAsync($"/ws?room=open:d&token={Tokens.Make("\"sub\":\"somebody\"")}");
        using EventStream stream = await EventStream.OpenAsync(server.Http, $"/sse?room=open:d&token={token}");

        await RelayHost.CallAsync(server.Http, "disconnect", $$"""{"user":"{{user}}"}""");

        Assert.Equal(8, (await first.ReadFrameAsync()).Opcode);
        Assert.Equal(8, (await second.ReadFrameAsync()).Opcode);
        Assert.Equal("disconnect", (await stream.ReadOrEndAsync())?.Name);
        Assert.Null(await stream.ReadOrEndAsync());
        await other.SettleAsync();
    }
}
