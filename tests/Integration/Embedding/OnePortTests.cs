using Weir.Integration.Servers;
using Weir.Testing;
using Xunit;

namespace Weir.Integration.Embedding;

/// <summary>WebSocket endpoints and an ordinary web application behind the same port.</summary>
public sealed class OnePortTests(EmbeddedApplication application)
{
    private readonly TestServer _server = application.Server;

    [Theory]
    [InlineData("/", "hello", false)]
    [InlineData("/health", "healthy", false)]
    [InlineData("/", "hello", true)]
    public async Task Get_OfTheMinimalApi_Answers(string path, string body, bool tls)
    {
        using RawClient client = await _server.ConnectAsync(tls);

        await client.SendHeadAsync($"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");

        RawResponse response = await client.ReadHeadAsync();
        Assert.Equal(200, response.Status);
        Assert.Contains(body, await HttpBody.ReadAsync(client, response), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Upgrade_ToEachPath_ReachesItsOwnHandler()
    {
        using RawClient echo = await _server.OpenAsync("/echo");
        using RawClient reversed = await _server.OpenAsync("/reversed");
        using RawClient relay = await _server.OpenAsync("/relay?room=paths");

        await echo.SendTextAsync("abc");
        await reversed.SendTextAsync("abc");
        using RawClient member = await _server.OpenAsync("/relay?room=paths");
        await member.SendTextAsync("def");

        Assert.Equal("abc", (await echo.ReadFrameAsync()).Text);
        Assert.Equal("cba", (await reversed.ReadFrameAsync()).Text);
        Assert.Equal("def", (await relay.ReadFrameAsync()).Text);
    }

    [Theory]
    [InlineData("/nowhere")]
    [InlineData("/reversed/")]
    [InlineData("/Echo%2F")]
    public async Task Upgrade_ToAnUnknownPath_Is404OfTheHttpPipeline(string path)
    {
        using RawClient client = await _server.ConnectAsync();

        await client.SendHeadAsync(
            $"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");

        RawResponse response = await client.ReadHeadAsync();
        Assert.Equal(404, response.Status);
        Assert.Equal("Kestrel", Assert.Single(response.Header("Server")));
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    public async Task PlainRequest_OnAWebSocketPath_Is426(string method)
    {
        using RawClient client = await _server.ConnectAsync();

        await client.SendHeadAsync($"{method} /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");

        RawResponse response = await client.ReadHeadAsync();
        Assert.Equal(426, response.Status);
        Assert.Equal("websocket", Assert.Single(response.Header("Upgrade")));
        Assert.Contains("Upgrade", Assert.Single(response.Header("Connection")), StringComparison.Ordinal);
        Assert.Contains("WebSocket", await HttpBody.ReadAsync(client, response), StringComparison.Ordinal);
        Assert.Equal(TcpEnd.Fin, await client.ReadEndAsync());
    }

    [Fact]
    public async Task PlainRequest_OnAPathOfTheListenerOnly_IsForTheHttpPipeline()
    {
        using RawClient client = await _server.ConnectAsync();

        await client.SendHeadAsync("GET /reversed HTTP/1.1\r\nHost: localhost\r\n\r\n");

        Assert.Equal(404, (await client.ReadHeadAsync()).Status);
    }

    [Fact]
    public async Task LargeRequest_OfTheHttpPipeline_KeepsEveryByte()
    {
        // 20 KiB of headers come in several reads, all of which the middleware of the listener has examined.
        using RawClient client = await _server.ConnectAsync();
        string header = $"X-Filler: {new string('f', 4000)}\r\n";

        await client.SendHeadAsync($"GET / HTTP/1.1\r\nHost: localhost\r\n{string.Concat(Enumerable.Repeat(header, 5))}\r\n");

        RawResponse response = await client.ReadHeadAsync();
        Assert.Equal(200, response.Status);
        Assert.Contains("hello", await HttpBody.ReadAsync(client, response), StringComparison.Ordinal);
    }
}
