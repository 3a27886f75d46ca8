using System.Net;
using System.Text.Json;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Relay;

/// <summary>The Host's <c>/api</c>.</summary>
public sealed class ApiTests(RelayHost host) : IClassFixture<RelayHost>
{
    [Fact]
    public async Task Publish_GivesThePosition_AndMembersGetTheDataAsItWasWritten()
    {
        string room = RelayHost.NewRoom("kept");
        using RawClient member = await host.Process.OpenAsync("/ws?room=" + room);

        JsonElement first = await host.CallAsync("publish", $$$"""{"channel":"{{{room}}}","data":{"b" : 1.50, "a":"\u00fc"}}""");
        JsonElement second = await host.CallAsync("publish", $$$"""{"channel":"{{{room}}}","data":null,"tags":{"x":"y"}}""");
        JsonElement third = await host.CallAsync("publish", $$"""{"channel":"{{room}}","b64data":"AAH/"}""");

        string epoch = first.GetProperty("result").GetProperty("epoch").GetString()!;
        Assert.Equal($$$$"""{"result":{"offset":1,"epoch":"{{{{epoch}}}}"}}""", first.GetRawText());
        Assert.Equal($$$$"""{"result":{"offset":2,"epoch":"{{{{epoch}}}}"}}""", second.GetRawText());
        Assert.Equal("""{"b" : 1.50, "a":"\u00fc"}""", (await member.ReadFrameAsync()).Text);
        Assert.Equal("null", (await member.ReadFrameAsync()).Text);
        ServerFrame binary = await member.ReadFrameAsync();
        Assert.Equal((0x2, "AAH/"), (binary.Opcode, Convert.ToBase64String(binary.Payload)));
        Assert.Equal(3, third.GetProperty("result").GetProperty("offset").GetInt64());
    }

    [Fact]
    public async Task Publish_WhereNothingIsKept_HasNoPosition()
        => Assert.Equal("""{"result":{}}""", (await host.CallAsync("publish", """{"channel":"none","data":1}""")).GetRawText());

    [Fact]
    public async Task Broadcast_AnswersForEachRoom()
    {
        string room = RelayHost.NewRoom("kept");

        JsonElement answer = await host.CallAsync("broadcast", $$"""{"channels":["{{room}}","","$weir:nodes","none"],"data":1}""");

        JsonElement[] responses = [.. answer.GetProperty("result").GetProperty("responses").EnumerateArray()];
        Assert.Equal(4, responses.Length);
        Assert.Equal(1, responses[0].GetProperty("result").GetProperty("offset").GetInt64());
        Assert.Equal(102, responses[1].GetProperty("error").GetProperty("code").GetInt32());
        Assert.Equal(102, responses[2].GetProperty("error").GetProperty("code").GetInt32());
        Assert.Equal("{}", responses[3].GetProperty("result").GetRawText());
    }

    [Fact]
    public async Task History_SinceLimitReverse()
    {
        string room = RelayHost.NewRoom("kept");
        string epoch = "";
        for (int i = 1; i <= 4; i++)
        {
            (epoch, _) = await host.PublishAsync(room, $"{i}");
        }

        Assert.Equal($$$"""{"result":{"publications":[],"epoch":"{{{epoch}}}","offset":4}}""", await HistoryAsync(""));
        Assert.Equal(
            $$$"""{"result":{"publications":[{"data":3,"offset":3},{"data":4,"offset":4}],"epoch":"{{{epoch}}}","offset":4}}""",
            await HistoryAsync($$""","limit":-1,"since":{"offset":2,"epoch":"{{epoch}}"}"""));
        Assert.Equal(
            $$$"""{"result":{"publications":[{"data":4,"offset":4}],"epoch":"{{{epoch}}}","offset":4}}""",
            await HistoryAsync(""","limit":1,"reverse":true"""));
        Assert.Equal(
            """{"error":{"code":112,"message":"unrecoverable position"}}""",
            await HistoryAsync(""","limit":-1,"since":{"offset":2,"epoch":"other"}"""));
        Assert.Equal("""{"result":{}}""", (await host.CallAsync("history_remove", $$"""{"channel":"{{room}}"}""")).GetRawText());
        Assert.Equal($$$"""{"result":{"publications":[],"epoch":"{{{epoch}}}","offset":4}}""", await HistoryAsync(""","limit":-1"""));

        async Task<string> HistoryAsync(string more)
            => (await host.CallAsync("history", $$"""{"channel":"{{room}}"{{more}}}""")).GetRawText();
    }

    [Fact]
    public async Task History_OfWhatMembersSent_ShowsItAsJsonWhateverItWas()
    {
        string room = RelayHost.NewRoom("kept");
        using RawClient member = await host.Process.OpenAsync("/ws?room=" + room);
        using RawClient other = await host.Process.OpenAsync("/ws?room=" + room);
        await member.SendTextAsync("""{"json":true}""");
        await member.SendTextAsync("no \"json\"");
        await member.SendFrameAsync(0x2, new byte[] { 0, 1, 255 });
        for (int i = 0; i < 3; i++)
        {
            await other.ReadFrameAsync();
        }

        JsonElement answer = await host.CallAsync("history", $$"""{"channel":"{{room}}","limit":-1}""");

        Assert.Equal(
            """[{"data":{"json":true},"offset":1},{"data":"no \u0022json\u0022","offset":2},{"b64data":"AAH/","offset":3}]""",
            answer.GetProperty("result").GetProperty("publications").GetRawText());
    }

    [Fact]
    public async Task Presence_ShowsMembersAndListeners()
    {
        string room = RelayHost.NewRoom("present");
        using RawClient member = await host.Process.OpenAsync("/ws?room=" + room);
        using (await EventStream.OpenAsync(host.Http, "/sse?room=" + room))
        {
            await Bounded.Eventually(() => StatsAsync().GetAwaiter().GetResult() == """{"result":{"num_clients":2,"num_users":1}}""");
        }

        await Bounded.Eventually(() => StatsAsync().GetAwaiter().GetResult() == """{"result":{"num_clients":1,"num_users":1}}""");
        JsonElement answer = await host.CallAsync("presence", $$"""{"channel":"{{room}}"}""");
        JsonProperty shown = Assert.Single(answer.GetProperty("result").GetProperty("presence").EnumerateObject());
        Assert.Equal((shown.Name, ""), (shown.Value.GetProperty("client").GetString(), shown.Value.GetProperty("user").GetString()));

        async Task<string> StatsAsync() => (await host.CallAsync("presence_stats", $$"""{"channel":"{{room}}"}""")).GetRawText();
    }

    [Fact]
    public async Task Disconnect_ByClient_ClosesThatOne()
    {
        string room = RelayHost.NewRoom("present");
        using RawClient member = await host.Process.OpenAsync("/ws?room=" + room);
        JsonElement presence = await host.CallAsync("presence", $$"""{"channel":"{{room}}"}""");
        string client = presence.GetProperty("result").GetProperty("presence").EnumerateObject().Single().Name;

        JsonElement answer = await host.CallAsync("disconnect", $$$"""{"client":"{{{client}}}","disconnect":{"code":4001,"reason":"bye"}}""");

        Assert.Equal("""{"result":{}}""", answer.GetRawText());
        ServerFrame close = await member.ReadFrameAsync();
        Assert.Equal((4001, "bye"), (close.CloseCode, close.CloseReason));
    }

    [Theory]
    [InlineData(3503, true)]
    [InlineData(4501, true)]
    [InlineData(3001, false)]
    [InlineData(4001, false)]
    public async Task Disconnect_OfAStream_IsReportedAsFinalOrNot(int code, bool isFinal)
    {
        string room = RelayHost.NewRoom("present");
        using EventStream stream = await EventStream.OpenAsync(host.Http, "/sse?room=" + room);
        JsonElement presence = await host.CallAsync("presence", $$"""{"channel":"{{room}}"}""");
        string client = presence.GetProperty("result").GetProperty("presence").EnumerateObject().Single().Name;

        await host.CallAsync("disconnect", $$$"""{"client":"{{{client}}}","disconnect":{"code":{{{code}}},"reason":"bye"}}""");

        StreamEvent? last = await stream.ReadOrEndAsync();
        Assert.Equal(isFinal ? $$"""disconnect {"code":{{code}},"reason":"bye"}""" : null, last is null ? null
            : $"{last.Name} {last.Data}");
        Assert.Null(last is null ? null : await stream.ReadOrEndAsync());
        Assert.True(isFinal ? stream.Retry == int.MaxValue : stream.Retry is > 0 and < 10_000, $"{stream.Retry}");
    }

    [Fact]
    public async Task InfoAndChannels_ShowThisNode()
    {
        string room = RelayHost.NewRoom("kept");
        using RawClient member = await host.Process.OpenAsync("/ws?room=" + room);
        using RawClient second = await host.Process.OpenAsync("/ws?room=" + room);

        JsonElement node = Assert.Single((await host.CallAsync("info", "{}")).GetProperty("result").GetProperty("nodes").EnumerateArray());
        JsonElement channels = await host.CallAsync("channels", $$"""{"pattern":"{{room}}"}""");

        Assert.True(node.GetProperty("num_clients").GetInt32() >= 2);
        Assert.True(node.GetProperty("num_channels").GetInt32() >= 1);
        Assert.Equal("{\"result\":{\"channels\":{\"" + room + "\":{\"num_clients\":2}}}}", channels.GetRawText());
    }

    [Theory]
    [InlineData("publish", "{}", 107)]
    [InlineData("publish", """{"channel":"a"}""", 107)]
    [InlineData("publish", """{"channel":1,"data":1}""", 107)]
    [InlineData("publish", """{"channel":"$weir:nodes","data":1}""", 102)]
    [InlineData("publish", "[]", 107)]
    [InlineData("broadcast", """{"channels":[],"data":1}""", 107)]
    [InlineData("history", """{"channel":"none"}""", 108)]
    [InlineData("history", """{"channel":"kept:1","limit":"all"}""", 107)]
    [InlineData("presence", """{"channel":"none"}""", 108)]
    [InlineData("disconnect", "{}", 107)]
    [InlineData("disconnect", """{"client":"x","disconnect":{"code":1000}}""", 107)]
    public async Task WrongRequests_AreAnsweredWithAnError(string method, string body, int code)
        => Assert.Equal(code, (await host.CallAsync(method, body)).GetProperty("error").GetProperty("code").GetInt32());

    [Theory]
    [InlineData("publish", "not json", RelayHost.Key, HttpStatusCode.BadRequest)]
    [InlineData("nothing", "{}", RelayHost.Key, HttpStatusCode.NotFound)]
    [InlineData("publish", "{}", "wrong", HttpStatusCode.Unauthorized)]
    [InlineData("publish", "{}", "", HttpStatusCode.Unauthorized)]
    [InlineData("publish", "{}", null, HttpStatusCode.Unauthorized)]
    [InlineData("nothing", "not json", null, HttpStatusCode.Unauthorized)]
    public async Task WrongRequests_HaveAStatus(string method, string body, string? key, HttpStatusCode expected)
    {
        using HttpResponseMessage response = await RelayHost.SendAsync(host.Http, method, body, key);

        Assert.Equal(expected, response.StatusCode);
    }

    [Fact]
    public async Task BodyTooLarge_IsRefused()
    {
        using RawClient client = await host.Process.ConnectAsync();

        await client.SendHeadAsync(
            $"POST /api/publish HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {RelayHost.Key}\r\nContent-Length: 1200000\r\n\r\n");

        Assert.Equal(413, (await client.ReadHeadAsync()).Status); // before any of it was read
    }

    [Fact]
    public async Task WithoutAKeyInTheSettings_ThereIsNoApi()
    {
        await using HostProcess closed = await HostProcess.StartAsync();
        using HttpClient http = RelayHost.NewClient(closed);

        using HttpResponseMessage response = await RelayHost.SendAsync(http, "publish", """{"channel":"a","data":1}""", "");

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Fact]
    public async Task Key_IsInNoLog()
    {
        await using HostProcess logging = await HostProcess.StartAsync(
            ("Weir__Api__Key", "secret-of-the-log-test"), ("Logging__LogLevel__Default", "Trace"),
                ("Logging__LogLevel__Microsoft.AspNetCore", "Trace"));
        using HttpClient http = RelayHost.NewClient(logging);

        (await RelayHost.SendAsync(http, "publish", """{"channel":"a","data":1}""", "secret-of-the-log-test")).Dispose();
        (await RelayHost.SendAsync(http, "publish", "{}", "secret-of-the-log-tesT")).Dispose();
        await Bounded.Eventually(() => logging.Output.Contains("the key is missing or wrong", StringComparison.Ordinal));

        Assert.DoesNotContain("secret-of-the-log", logging.Output + logging.Errors, StringComparison.OrdinalIgnoreCase);
    }
}
