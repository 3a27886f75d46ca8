using System.Net.WebSockets;
using System.Text;
using Weir.Integration.Servers;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Embedding;

/// <summary>Upgrades that come as a later request of a keep-alive connection, and so through the HTTP pipeline.</summary>
public sealed class PipelineUpgradeTests(EmbeddedApplication application)
{
    private readonly TestServer _server = application.Server;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Upgrade_AsLaterRequest_IsServed(bool tls)
    {
        using RawClient client = await UsedConnectionAsync(tls);

        await client.HandshakeAsync("/echo");
        await client.SendTextAsync("by the pipeline");
        ServerFrame echo = await client.ReadFrameAsync();
        byte[] large = new byte[1024 * 1024];
        new Random(2).NextBytes(large);
        await client.SendFrameAsync(0x2, large);
        ServerFrame largeEcho = await client.ReadFrameAsync();

        Assert.Equal("by the pipeline", echo.Text);
        Assert.Equal(large, largeEcho.Payload);
    }

    [Fact]
    public async Task FirstFrame_PipelinedWithTheHead_IsEchoed()
    {
        using RawClient client = await UsedConnectionAsync();

        string head =
            "GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
        await client.SendRawAsync((byte[])[.. Encoding.ASCII.GetBytes(head), .. Frames.Text("early")]);

        Assert.Equal(101, (await client.ReadHeadAsync()).Status);
        Assert.Equal("early", (await client.ReadFrameAsync()).Text);
    }

    [Fact]
    public async Task Subprotocol_AsLaterRequest_IsSelected()
    {
        using RawClient client = await UsedConnectionAsync();

        RawResponse response = await client.HandshakeAsync("/chat", "Sec-WebSocket-Protocol: v1.chat, other\r\n");

        Assert.Equal("v1.chat", Assert.Single(response.Header("Sec-WebSocket-Protocol")));
    }

    [Fact]
    public async Task Close_AsLaterRequest_IsEchoedAndEndsTheConnectionInOrder()
    {
        using RawClient client = await UsedConnectionAsync();
        await client.HandshakeAsync("/echo");

        await client.SendCloseAsync(4001, "done");

        ServerFrame close = await client.ReadFrameAsync();
        Assert.Equal(4001, close.CloseCode);
        Assert.Equal(TcpEnd.Fin, await client.ReadEndAsync());
    }

    [Fact]
    public async Task CloseByTheServer_AsLaterRequest_HasItsCodeAndEndsInOrder()
    {
        using RawClient client = await UsedConnectionAsync();
        await client.HandshakeAsync("/echo");

        await client.SendTextAsync("!close 4002 enough");
        ServerFrame close = await client.ReadFrameAsync();
        await client.SendCloseAsync(4002);

        Assert.Equal((4002, "enough"), (close.CloseCode, close.CloseReason));
        Assert.Equal(TcpEnd.Fin, await client.ReadEndAsync());
    }

    [Theory]
    [InlineData("Sec-WebSocket-Version: 12", 426)]
    [InlineData("Sec-WebSocket-Version: 13\r\nOrigin: http://elsewhere.example", 403)]
    [InlineData("Sec-WebSocket-Version: x", 400)]
    public async Task BadHandshake_AsLaterRequest_IsRefusedAsOnTheListener(string lines, int status)
    {
        using RawClient client = await UsedConnectionAsync();

        await client.SendHeadAsync(
            "GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + $"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{lines}\r\n\r\n");

        RawResponse response = await client.ReadHeadAsync();
        Assert.Equal(status, response.Status);
        Assert.NotEmpty(await HttpBody.ReadAsync(client, response));
        Assert.Equal(TcpEnd.Fin, await client.ReadEndAsync());
    }

    [Fact]
    public async Task RelayRefusal_AsLaterRequest_Is400WithItsReason()
    {
        using RawClient client = await UsedConnectionAsync();

        await client.SendHeadAsync(
            "GET /relay HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");

        RawResponse response = await client.ReadHeadAsync();
        Assert.Equal(400, response.Status);
        Assert.Equal("Name at least one room: ?room=NAME.\n", await HttpBody.ReadAsync(client, response));
    }

    [Fact]
    public async Task ListenerAndPipeline_LeadIntoTheSameRooms()
    {
        using RawClient first = await _server.OpenAsync("/relay?room=two%20ways");
        using RawClient second = await UsedConnectionAsync();
        await second.HandshakeAsync("/relay?room=two+ways");
        await second.SettleAsync();
        using HttpMessageInvoker http = WebSockets.TrustingInvoker();
        using ClientWebSocket third = await WebSockets.ConnectHttp2Async(_server.Address("/relay?room=two%20ways", tls: true), http);

        await third.SendAsync("from HTTP/2");

        Assert.Equal("from HTTP/2", (await first.ReadFrameAsync()).Text);
        Assert.Equal("from HTTP/2", (await second.ReadFrameAsync()).Text);
    }

    private async Task<RawClient> UsedConnectionAsync(bool tls = false)
    {
        RawClient client = await _server.ConnectAsync(tls);
        await client.SendHeadAsync("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        RawResponse response = await client.ReadHeadAsync();
        Assert.Equal(200, response.Status);
        await HttpBody.ReadAsync(client, response);
        return client;
    }
}
