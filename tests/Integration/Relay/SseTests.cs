using System.Net;
using System.Text.Json;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Relay;

/// <summary>The Host's <c>/sse</c>.</summary>
public sealed class SseTests(RelayHost host) : IClassFixture<RelayHost>
{
    [Fact]
    public async Task Messages_ComeVerbatimWithTheirPositions()
    {
        string room = RelayHost.NewRoom("kept");
        using EventStream stream = await EventStream.OpenAsync(host.Http, "/sse?room=" + room);
        using RawClient sender = await host.Process.OpenAsync("/ws?room=" + room);

        await sender.SendTextAsync("Grüße 🏞️");
        await sender.SendTextAsync("two\nlines\r\nand a third\n");
        await sender.SendFrameAsync(0x2, new byte[] { 0, 1, 255 });
        await sender.SendTextAsync("");
        StreamEvent[] events = [await stream.ReadAsync(), await stream.ReadAsync(), await stream.ReadAsync(), await stream.ReadAsync()];

        string epoch = events[0].LastId.Split(':')[0];
        Assert.Equal(
            [
                new("", "Grüße 🏞️", epoch + ":1"),
                new("", "two\nlines\nand a third\n", epoch + ":2"),
                new("binary", "AAH/", epoch + ":3"),
                new("", "", epoch + ":4"),
            ],
            events);
        Assert.Equal("text/event-stream", stream.Response.Content.Headers.ContentType?.MediaType);
        Assert.True(stream.Response.Headers.CacheControl?.NoCache);
        Assert.Equal(["no"], stream.Response.Headers.GetValues("X-Accel-Buffering"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Reconnect_GetsExactlyWhatWasMissed(bool byHeader)
    {
        string room = RelayHost.NewRoom("kept");
        string last;
        using (EventStream first = await EventStream.OpenAsync(host.Http, "/sse?room=" + room))
        {
            await host.PublishAsync(room, "1");
            last = (await first.ReadAsync()).LastId;
        }

        await host.PublishAsync(room, "2");
        await host.PublishAsync(room, "3");
        using EventStream back = byHeader
            ? await EventStream.OpenAsync(host.Http, "/sse?room=" + room, last)
            : await EventStream.OpenAsync(host.Http, $"/sse?room={room}&last={last}");
        await host.PublishAsync(room, "4");

        Assert.Equal(["2", "3", "4"], [(await back.ReadAsync()).Data, (await back.ReadAsync()).Data, (await back.ReadAsync()).Data]);
    }

    [Fact]
    public async Task ClientWithoutAnEventYet_CanReconnectToo()
    {
        string room = RelayHost.NewRoom("kept");
        await host.PublishAsync(room, "0");
        string last;
        using (EventStream first = await EventStream.OpenAsync(host.Http, "/sse?room=" + room))
        {
            last = first.LastId;
        }

        await host.PublishAsync(room, "1");
        using EventStream back = await EventStream.OpenAsync(host.Http, "/sse?room=" + room, last);

        Assert.Equal("1", (await back.ReadAsync()).Data);
    }

    [Theory]
    [InlineData("short", "EPOCH:1", "trimmed")]
    [InlineData("kept", "another:1", "epoch")]
    [InlineData("kept", "EPOCH:77", "trimmed")]
    [InlineData("kept", "nonsense", "invalid")]
    [InlineData("none", "EPOCH:1", "no_history")]
    public async Task Reconnect_Unrecoverable_ReportsItFirst(string kind, string last, string reason)
    {
        string room = RelayHost.NewRoom(kind);
        string epoch = "";
        for (int i = 1; i <= 6; i++)
        {
            JsonElement result = (await host.CallAsync("publish", $$"""{"channel":"{{room}}","data":{{i}}}""")).GetProperty("result");
            epoch = result.TryGetProperty("epoch", out JsonElement value) ? value.GetString()! : "e";
        }

        using EventStream back =
            await EventStream.OpenAsync(host.Http, "/sse?room=" + room, last.Replace("EPOCH", epoch, StringComparison.Ordinal));
        StreamEvent lost = await back.ReadAsync();
        await host.CallAsync("publish", $$"""{"channel":"{{room}}","data":7}""");
        StreamEvent next = await back.ReadAsync();

        JsonElement why = JsonDocument.Parse(lost.Data).RootElement;
        Assert.Equal(("lost", room, reason), (lost.Name, why.GetProperty("room").GetString(), why.GetProperty("reason").GetString()));
        Assert.Equal(("", "7"), (next.Name, next.Data));
        if (kind != "none")
        {
            Assert.Equal((epoch, 6), (why.GetProperty("epoch").GetString(), why.GetProperty("offset").GetInt64()));
            Assert.Equal((epoch + ":6", epoch + ":7"), (lost.LastId, next.LastId)); // after another reconnect it continues from there
        }
    }

    [Fact]
    public async Task SeveralRooms_ShareOneId_AndAllAreResumed()
    {
        string[] rooms = [RelayHost.NewRoom("kept"), RelayHost.NewRoom("none"), RelayHost.NewRoom("kept")];
        string target = "/sse?" + string.Join('&', rooms.Select(static room => "room=" + room));
        string last;
        using (EventStream first = await EventStream.OpenAsync(host.Http, target))
        {
            await host.PublishAsync(rooms[2], "\"c1\"");
            StreamEvent c1 = await first.ReadAsync();
            await host.CallAsync("publish", $$"""{"channel":"{{rooms[1]}}","data":"b"}""");
            StreamEvent b = await first.ReadAsync();
            await host.PublishAsync(rooms[0], "\"a1\"");
            StreamEvent a1 = await first.ReadAsync();
            last = a1.LastId;

            Assert.Equal([("\"c1\"", '2'), ("\"b\"", '1'), ("\"a1\"", '0')],
                new[] { c1, b, a1 }.Select(static each => (each.Data, each.LastId[0])));
        }

        await host.PublishAsync(rooms[0], "\"a2\"");
        await host.PublishAsync(rooms[2], "\"c2\"");
        using EventStream back = await EventStream.OpenAsync(host.Http, target, last);

        Assert.Equal(["\"a2\"", "\"c2\""], new[] { (await back.ReadAsync()).Data, (await back.ReadAsync()).Data }.Order());
    }

    [Fact]
    public async Task RoomWithoutHistory_IsReceivedWithoutIds()
    {
        string room = RelayHost.NewRoom("none");
        using RawClient sender = await host.Process.OpenAsync("/ws?room=" + room);
        using RawClient member = await host.Process.OpenAsync("/ws?room=" + room);
        await sender.SendTextAsync("before"); // the room is a plain one until a stream listens
        Assert.Equal("before", (await member.ReadFrameAsync()).Text);
        using EventStream stream = await EventStream.OpenAsync(host.Http, "/sse?room=" + room);
        await sender.SendTextAsync("after");

        Assert.Equal(new StreamEvent("", "after", ""), await stream.ReadAsync());
        Assert.Equal("after", (await member.ReadFrameAsync()).Text);
    }

    [Theory]
    [InlineData("/sse", "Name at least one room")]
    [InlineData("/sse?room=", "Name at least one room")]
    [InlineData("/sse?room=$weir:nodes", "are reserved")]
    public async Task BadRooms_AreRefused(string target, string why)
    {
        using HttpResponseMessage response = await host.Http.GetAsync(target).Within();

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(why, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Origins_AreThoseOfTheWebSockets()
    {
        await using HostProcess strict = await HostProcess.StartAsync(("Weir__Origins", "https://*.example.com"));
        using HttpClient http = RelayHost.NewClient(strict);

        Assert.Equal((200, "https://app.example.com"), await AskAsync("https://app.example.com"));
        Assert.Equal((403, null), await AskAsync("https://example.org"));
        Assert.Equal((200, null), await AskAsync(null));

        async Task<(int Status, string? Allowed)> AskAsync(string? origin)
        {
            using HttpRequestMessage request = new(HttpMethod.Get, "/sse?room=a");
            if (origin is not null)
            {
                request.Headers.Add("Origin", origin);
            }

            using HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead).Within();
            return ((int)response.StatusCode,
                response.Headers.TryGetValues("Access-Control-Allow-Origin", out IEnumerable<string>? allowed) ? allowed.Single() : null);
        }
    }

    [Fact]
    public async Task Limits_HoldForStreamsAndConnectionsTogether()
    {
        await using HostProcess small = await HostProcess.StartAsync(("Weir__Limits__MaxConnections", "2"));
        using HttpClient http = RelayHost.NewClient(small);
        using RawClient socket = await small.OpenAsync("/ws?room=a");
        EventStream stream = await EventStream.OpenAsync(http, "/sse?room=a");

        using HttpResponseMessage refused = await http.GetAsync("/sse?room=a").Within();
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(10), refused.Headers.RetryAfter?.Delta);
        stream.Dispose();

        await Bounded.Eventually(() =>
        {
            using HttpRequestMessage request = new(HttpMethod.Get, "/sse?room=a");
            using HttpResponseMessage response = http.Send(request, HttpCompletionOption.ResponseHeadersRead);
            return response.IsSuccessStatusCode; // the place is free again
        });
    }

    [Fact]
    public async Task Heartbeats_ComeAsComments()
    {
        await using HostProcess beating = await HostProcess.StartAsync(("Weir__Heartbeat__Interval", "300ms"));
        using HttpClient http = RelayHost.NewClient(beating);
        using EventStream stream = await EventStream.OpenAsync(http, "/sse?room=a");

        await stream.ReadCommentAsync();
        await stream.ReadCommentAsync();
    }

    [Fact]
    public async Task ClientThatDoesNotRead_IsAbortedAndCounted_AndRecovers()
    {
        await using HostProcess impatient = await HostProcess.StartAsync(
            ("Weir__Pressure__CloseAtBytes", "200000"),
            ("Weir__Api__Key", RelayHost.Key),
            ("Weir__Rooms__0__Pattern", "*"),
            ("Weir__Rooms__0__HistorySize", "1000"));
        using HttpClient http = RelayHost.NewClient(impatient);
        using RawClient slow = await RawClient.ConnectAsync("127.0.0.1", impatient.Port, receiveBufferBytes: 4096);
        await slow.SendHeadAsync("GET /sse?room=a HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Assert.Equal(200, (await slow.ReadHeadAsync()).Status);
        using EventStream quick = await EventStream.OpenAsync(http, "/sse?room=a");
        string start = quick.LastId;
        string data = $"\"{new string('x', 20_000)}\"";
        int published = 0;
        while (!(await http.GetStringAsync("/metrics").Within()).Contains("weir_connections_too_slow_total{", StringComparison.Ordinal))
        {
            await RelayHost.CallAsync(http, "publish", $$"""{"channel":"a","data":{{data}}}""");
            published++;
            Assert.True(published < 900, "The slow client was never cut.");
            Assert.Equal(data, (await quick.ReadAsync()).Data); // the other is not held up
        }

        using EventStream back = await EventStream.OpenAsync(http, "/sse?room=a", start);
        for (int i = 1; i <= published; i++)
        {
            Assert.EndsWith($":{i}", (await back.ReadAsync()).LastId, StringComparison.Ordinal); // far more than may wait
        }
    }

    [Fact]
    public async Task Shutdown_EndsStreamsWithTheDelayToReconnect()
    {
        await using HostProcess going = await HostProcess.StartAsync();
        using HttpClient http = RelayHost.NewClient(going);
        EventStream[] streams = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => EventStream.OpenAsync(http, "/sse?room=a")));

        going.Terminate();
        foreach (EventStream stream in streams)
        {
            Assert.Null(await stream.ReadOrEndAsync());
            Assert.InRange(stream.Retry ?? 0, 1000, 3000);
        }

        Assert.Equal(0, await going.ExitAsync());
        Assert.True(streams.Select(static stream => stream.Retry).Distinct().Count() > 10, "All come back at once.");
        Array.ForEach(streams, static stream => stream.Dispose());
    }
}
