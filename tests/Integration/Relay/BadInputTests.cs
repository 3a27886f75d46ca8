using System.Net;
using System.Text;
using System.Text.Json;
using System.Web;
using Weir.Client;
using Weir.Client.Events;
using Weir.Client.Sending;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Relay;

/// <summary>What no listener could carry is refused where it enters, and what one endpoint takes all others carry.</summary>
public sealed class BadInputTests(RelayHost host) : IClassFixture<RelayHost>
{
    [Theory]
    [InlineData(new byte[] { 0xFF })]
    [InlineData(new byte[] { 0xED, 0xA0, 0x80 })] // a surrogate as bytes
    [InlineData(new byte[] { 0xC0, 0xAF })] // '/' in two bytes
    [InlineData(new byte[] { 0xE2, 0x82 })] // truncated
    public async Task NotUtf8_IsRefusedAtEveryEndpoint_AndReachesNoMember(byte[] bytes)
    {
        string room = RelayHost.NewRoom("kept");
        using RawClient member = await host.Process.OpenAsync("/ws?room=" + room);
        string publish = $$$"""{"id":2,"publish":{"channel":"{{{room}}}","data":"?"}}""";
        string inside = "{\"id\":1,\"connect\":{}}\n" + publish;
        using HttpResponseMessage stream = await host.Http.SendAsync(
            new HttpRequestMessage(HttpMethod.Post, "/connection/http_stream") { Content = new StringContent("""{"id":1,"connect":{}}""") },
            HttpCompletionOption.ResponseHeadersRead).Within();
        using StreamReader lines = new(await stream.Content.ReadAsStreamAsync().Within());
        JsonElement connected = JsonDocument.Parse((await lines.ReadLineAsync().Within())!).RootElement.GetProperty("connect");
        string session = $$"""{"session":"{{connected.GetProperty("session").GetString()}}","node":"{{connected.GetProperty("node").GetString()}}","data":""";

        string[] api =
        [
            $$"""{"channel":"{{room}}","data":"?"}""",
            $$$"""{"channel":"{{{room}}}","data":{"?":1}}""",
            $$$"""{"channel":"{{{room}}}","data":1,"tags":{"x":"?"}}""",
            $$"""{"channel":"?","data":1}""",
        ];
        foreach (string body in api)
        {
            Assert.Equal(HttpStatusCode.BadRequest, await PostAsync("/api/publish", body, bytes));
            Assert.Equal(HttpStatusCode.BadRequest, await PostAsync("/api/broadcast",
                body.Replace("\"channel\":\"" + room + "\"", "\"channels\":[\"" + room + "\"]", StringComparison.Ordinal), bytes));
        }

        Assert.Equal(HttpStatusCode.BadRequest, await PostAsync("/connection/http_stream", inside, bytes));
        Assert.Equal(HttpStatusCode.BadRequest, await PostAsync("/emulation", session + JsonSerializer.Serialize(publish) + "}", bytes));
        string query = Uri.EscapeDataString(inside).Replace("%3F", HttpUtility.UrlEncode(bytes), StringComparison.Ordinal);
        using HttpResponseMessage events =
            await host.Http.GetAsync("/connection/sse?cf_connect=" + query, HttpCompletionOption.ResponseHeadersRead).Within();
        Assert.Equal(HttpStatusCode.BadRequest, events.StatusCode);

        await host.PublishAsync(room, "\"the first that is received\"");
        Assert.Equal("\"the first that is received\"", (await member.ReadFrameAsync()).Text);
        JsonElement history = await host.CallAsync("history", $$"""{"channel":"{{room}}","limit":-1}""");
        Assert.Equal(1, history.GetProperty("result").GetProperty("publications").GetArrayLength());
    }

    // By the API and by the protocol; to a raw member, the .NET client and the SDK, live and from the history.
    [Theory]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(1000)]
    public async Task Depth_ThatOneEndpointTakes_AllCarry(int depth)
    {
        string deep = new string('[', depth) + new string(']', depth);
        string room = RelayHost.NewRoom("kept");
        using RawClient member = await host.Process.OpenAsync("/ws?room=" + room);
        await using CentrifugoClient client = new(new Uri($"ws://127.0.0.1:{host.Process.Port}/connection/websocket"));
        Subscription subscription = client.Subscribe(room);
        await using IAsyncEnumerator<SubscriptionEvent> events = subscription.ReadAllAsync()
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);
        client.Start();
        Assert.IsType<Subscribed>(await NextAsync());
        await using SdkProcess sdk = await SdkProcess.StartAsync("node", "websocket", host.Process.Port);
        await sdk.DoAsync("""{"do":"connect"}""");
        await sdk.DoAsync($$"""{"do":"subscribe","channel":"{{room}}"}""");

        using HttpResponseMessage published =
            await RelayHost.SendAsync(host.Http, "publish", $$"""{"channel":"{{room}}","data":{{deep}}}""");
        DeliveryResult delivery = await client.PublishAsync(room, Encoding.UTF8.GetBytes(deep), TestContext.Current.CancellationToken)
            .Within();

        if (depth > 64)
        {
            Assert.Equal((HttpStatusCode.BadRequest, 107), (published.StatusCode, delivery.ErrorCode));
            await member.SendTextAsync(deep); // raw text is what it is, and deeper than the limit it is no JSON to the others
            Assert.Equal($"\"{deep}\"", await ReceivesAsync(1));
            return;
        }

        Assert.Equal((HttpStatusCode.OK, Delivery.Delivered), (published.StatusCode, delivery.Delivery));
        Assert.Equal(deep, (await member.ReadFrameAsync()).Text);
        Assert.Equal(deep, await ReceivesAsync(1));
        Assert.Equal(deep, await ReceivesAsync(2));
        HistoryResult history = await client.HistoryAsync(room, -1, cancellationToken: TestContext.Current.CancellationToken).Within();
        Assert.All(history.Publications, publication => Assert.Equal(deep, Encoding.UTF8.GetString(publication.Data.Span)));
        await using CentrifugoClient late = new(new Uri($"ws://127.0.0.1:{host.Process.Port}/connection/websocket"));
        Subscription recovered = late.Subscribe(room, new SubscriptionOptions { Since = history.Top with { Offset = 0 } });
        late.Start();
        await using IAsyncEnumerator<SubscriptionEvent> missed = recovered.ReadAllAsync()
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await missed.MoveNextAsync().AsTask().Within());
        Assert.True(Assert.IsType<Subscribed>(missed.Current).Recovered);

        async Task<SubscriptionEvent> NextAsync()
        {
            Assert.True(await events.MoveNextAsync().AsTask().Within());
            return events.Current;
        }

        async Task<string> ReceivesAsync(long offset)
        {
            JsonElement shown = await sdk.ReceivesAsync("publication", each => each.GetProperty("offset").GetInt64() == offset);
            string text = Encoding.UTF8.GetString(Assert.IsType<PublicationReceived>(await NextAsync()).Publication.Data.Span);
            Assert.Equal(text, shown.GetProperty("data").GetRawText());
            return text;
        }
    }

    [Theory]
    [InlineData("publish", """{"channel":"\ud800","data":1}""")]
    [InlineData("publish", """{"channel":"a","data":1,"ch\ud800nel":"a"}""")]
    [InlineData("publish", """{"channel":"a","b64data":"\ud800"}""")]
    [InlineData("history", """{"channel":"kept:\udfff"}""")]
    [InlineData("history", """{"channel":"kept:a","since":{"epoch":"\ud800","offset":1}}""")]
    [InlineData("history", """{"channel":"kept:a","since":{"epoch":"a","offset":9223372036854775808}}""")]
    [InlineData("history_remove", """{"channel":"\ud800"}""")]
    [InlineData("presence", """{"channel":"\ud800"}""")]
    [InlineData("presence_stats", """{"channel":"\ud800"}""")]
    [InlineData("disconnect", """{"user":"\ud800"}""")]
    [InlineData("disconnect", """{"client":"\ud800"}""")]
    [InlineData("disconnect", """{"user":"u","disconnect":{"code":4000,"reason":"\ud800"}}""")]
    [InlineData("channels", """{"pattern":"\ud800"}""")]
    public async Task HalfASurrogatePair_IsError107_AndNothingIsLogged(string method, string body)
    {
        JsonElement error = (await host.CallAsync(method, body)).GetProperty("error");

        Assert.Equal(107, error.GetProperty("code").GetInt32());
        Assert.DoesNotContain("fail:", host.Process.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Broadcast_WithHalfASurrogatePair_AnswersForEachChannel()
    {
        string room = RelayHost.NewRoom("kept");

        JsonElement answer = await host.CallAsync("broadcast", $$"""{"channels":["{{room}}","\ud800",7,"{{room}}"],"data":1}""");

        JsonElement[] responses = [.. answer.GetProperty("result").GetProperty("responses").EnumerateArray()];
        Assert.Equal([1, 2], new[] { responses[0], responses[3] }.Select(static each => each.GetProperty("result").GetProperty("offset").GetInt64()));
        Assert.All(responses[1..3], static each => Assert.Equal(107, each.GetProperty("error").GetProperty("code").GetInt32()));
    }

    [Theory]
    [InlineData("POST", "/api/publish", "not json", 400, 107)]
    [InlineData("POST", "/api/publish", "", 400, 107)]
    [InlineData("POST", "/api/publish", """{"channel":"a","data":NaN}""", 400, 107)]
    [InlineData("POST", "/api/fly", "{}", 404, 104)]
    [InlineData("GET", "/api/publish", null, 405, 107)]
    [InlineData("PUT", "/api/publish", "{}", 405, 107)]
    [InlineData("POST", "/api/publish", "{}", 401, 101, "X-API-Key: wrong")]
    [InlineData("POST", "/api/publish", "{}", 415, 107, "Content-Encoding: gzip")]
    public async Task Status_HasABodyWithTheReason(string method, string path, string? body, int status, int code, string header = "")
    {
        using HttpRequestMessage request = new(new HttpMethod(method), path) { Content = body is null ? null : new StringContent(body) };
        request.Headers.Add("X-API-Key", header.StartsWith("X-API-Key", StringComparison.Ordinal) ? "wrong" : RelayHost.Key);
        if (header.StartsWith("Content-", StringComparison.Ordinal))
        {
            request.Content!.Headers.ContentEncoding.Add("gzip");
        }

        using HttpResponseMessage response = await host.Http.SendAsync(request).Within();

        Assert.Equal((status, "application/json"), ((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        JsonElement error = JsonDocument.Parse(await response.Content.ReadAsStringAsync().Within()).RootElement.GetProperty("error");
        Assert.Equal(code, error.GetProperty("code").GetInt32());
        Assert.NotEmpty(error.GetProperty("message").GetString()!);
        Assert.Equal(status == 405, response.Content.Headers.Allow.Contains("POST"));
    }

    [Fact]
    public async Task BodyTooLarge_HasABodyWithTheReason()
    {
        // The request comes with Expect: 100-continue: the answer comes before all of it, and may close the connection under the rest.
        using HttpRequestMessage request = new(HttpMethod.Post, "/api/publish") { Content = new ByteArrayContent(new byte[1_200_000]) };
        request.Headers.ExpectContinue = true;
        request.Headers.Add("X-API-Key", RelayHost.Key);
        using HttpResponseMessage response = await host.Http.SendAsync(request).Within();

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Contains("bytes", await response.Content.ReadAsStringAsync().Within(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ByteOrderMark_IsPassedOver()
        => Assert.Equal("""{"result":{}}""", (await host.CallAsync("publish", "\uFEFF{\"channel\":\"none\",\"data\":1}")).GetRawText());

    // '?' stands for the bytes.
    private async Task<HttpStatusCode> PostAsync(string path, string body, byte[] bytes)
    {
        string[] around = body.Split('?');
        byte[] content = [.. Encoding.UTF8.GetBytes(around[0]), .. bytes, .. Encoding.UTF8.GetBytes(around[1])];
        using HttpRequestMessage request = new(HttpMethod.Post, path) { Content = new ByteArrayContent(content) };
        request.Headers.Add("X-API-Key", RelayHost.Key);
        using HttpResponseMessage response = await host.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead).Within();
        return response.StatusCode;
    }
}
