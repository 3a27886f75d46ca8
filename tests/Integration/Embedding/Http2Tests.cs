using System.Net;
using System.Net.WebSockets;
using Weir.Integration.Servers;
using Weir.Testing;
using Xunit;

namespace Weir.Integration.Embedding;

/// <summary>WebSocket over HTTP/2, RFC 8441, with .NET's own client.</summary>
public sealed class Http2Tests(EmbeddedApplication application) : IDisposable
{
    private readonly TestServer _server = application.Server;
    private readonly HttpMessageInvoker _http = WebSockets.TrustingInvoker();

    public void Dispose() => _http.Dispose();

    [Fact]
    public async Task Messages_OfAllSizes_AreEchoed()
    {
        using ClientWebSocket client = await ConnectAsync("/echo");
        byte[] large = new byte[1024 * 1024];
        new Random(1).NextBytes(large);

        await client.SendAsync("text");
        string text = await client.ReceiveTextAsync();
        await client.SendAsync(large);
        (WebSocketMessageType type, byte[] payload) = await client.ReceiveAsync();

        Assert.Equal(HttpStatusCode.OK, client.HttpStatusCode); // a 200 opens it where HTTP/1.1 has 101
        Assert.Equal("text", text);
        Assert.Equal(WebSocketMessageType.Binary, type);
        Assert.Equal(large, payload);
    }

    [Fact]
    public async Task DeflateAndSubprotocol_AreAgreedOn()
    {
        using ClientWebSocket deflate = await ConnectAsync("/deflate", static options => options.DangerousDeflateOptions = new());
        using ClientWebSocket chat = await ConnectAsync("/chat", static options => options.AddSubProtocol("v2.chat"));

        string repetitive = string.Concat(Enumerable.Repeat("over and over ", 5000));
        await deflate.SendAsync(repetitive);

        Assert.Equal(repetitive, await deflate.ReceiveTextAsync());
        Assert.Contains("permessage-deflate", Assert.Single(deflate.HttpResponseHeaders!["Sec-WebSocket-Extensions"]),
            StringComparison.Ordinal);
        Assert.Equal("v2.chat", chat.SubProtocol);
    }

    [Fact]
    public async Task Close_BothWays_HasItsCode()
    {
        using ClientWebSocket byClient = await ConnectAsync("/echo");
        await byClient.CloseAsync((WebSocketCloseStatus)4003, "mine", CancellationToken.None).Within();

        using ClientWebSocket byServer = await ConnectAsync("/echo");
        await byServer.SendAsync("!close 4004 yours");
        (WebSocketMessageType type, _) = await byServer.ReceiveAsync();
        await byServer.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None).Within();

        Assert.Equal(4003, (int?)byClient.CloseStatus);
        Assert.Equal(WebSocketMessageType.Close, type);
        Assert.Equal((4004, "yours"), ((int?)byServer.CloseStatus, byServer.CloseStatusDescription));
    }

    [Fact]
    public async Task ManyStreams_OnOneConnection_KeepApart()
    {
        ClientWebSocket[] clients = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => ConnectAsync("/echo"))).Within();

        string[] echoes = await Task.WhenAll(clients.Select(static async (client, index) =>
        {
            await client.SendAsync($"stream {index}");
            return await client.ReceiveTextAsync();
        })).Within();

        Assert.Equal(Enumerable.Range(0, 50).Select(static index => $"stream {index}"), echoes);
        Array.ForEach(clients, static client => client.Dispose());
    }

    [Fact]
    public async Task Refusal_HasItsStatus()
    {
        using ClientWebSocket client = new();
        client.Options.HttpVersion = HttpVersion.Version20;
        client.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        client.Options.CollectHttpResponseDetails = true;

        await Assert.ThrowsAsync<WebSocketException>(
            () => client.ConnectAsync(_server.Address("/relay", tls: true), _http, CancellationToken.None).Within());

        Assert.Equal(HttpStatusCode.BadRequest, client.HttpStatusCode);
    }

    [Fact]
    public async Task PlainGet_OverHttp2_Is405WithoutConnectionHeaders()
    {
        using HttpRequestMessage request = new(HttpMethod.Get, $"https://127.0.0.1:{_server.TlsPort}/echo")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };

        using HttpResponseMessage response = await _http.SendAsync(request, CancellationToken.None).Within();

        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode); // HTTP/2 has no Upgrade that a 426 could require
        Assert.Equal(["CONNECT"], response.Content.Headers.Allow);
        Assert.Empty(response.Headers.Connection);
    }

    private Task<ClientWebSocket> ConnectAsync(string path, Action<ClientWebSocketOptions>? configure = null) =>
        WebSockets.ConnectHttp2Async(_server.Address(path, tls: true), _http, configure);
}
