using System.Net.WebSockets;
using Weir.Integration.Servers;
using Weir.Testing;
using Xunit;

namespace Weir.Integration.Embedding;

/// <summary>What an application's end means for its connections, those of the listener and those of the HTTP pipeline.</summary>
public sealed class ShutdownTests
{
    [Fact]
    public async Task Stop_WithOpenConnections_ClosesAllWith1001()
    {
        await using TestServer server = await TestServer.StartAsync(
            static listen => listen.UseWeir("/echo", new ScriptedHandler(), NoHeartbeat.Configure),
            static app => app.MapWeir("/second", new ScriptedHandler(), NoHeartbeat.Configure));
        using RawClient first = await server.OpenAsync("/echo");
        using RawClient secure = await server.OpenAsync("/echo", tls: true);
        using RawClient second = await server.OpenAsync("/second");
        using HttpMessageInvoker http = WebSockets.TrustingInvoker();
        using ClientWebSocket third = await WebSockets.ConnectHttp2Async(server.Address("/second", tls: true), http);

        Task stopped = server.StopAsync();
        foreach (RawClient client in (RawClient[])[first, secure, second])
        {
            ServerFrame close = await client.ReadFrameAsync();
            Assert.Equal((1001, "server shutting down"), (close.CloseCode, close.CloseReason));
            await client.SendCloseAsync(1001);
            TcpEnd end = await client.ReadEndAsync();

            // Behind the HTTP pipeline it is Kestrel that ends the connection, when the closing handshake is over: with a reset now and
            // then.
            Assert.True(end == TcpEnd.Fin || client == second, $"{end}");
        }

        (WebSocketMessageType type, _) = await third.ReceiveAsync();
        Assert.Equal(WebSocketMessageType.Close, type);
        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, third.CloseStatus);
        await third.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, null, CancellationToken.None).Within();
        await stopped.Within();
        Assert.Equal(0, server.Metrics.Sum("weir.connections.active"));
        Assert.Equal(4, server.Metrics.Sum("weir.connections.closed", ("weir.close.code", "1001"), ("weir.close.initiator", "server")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("GET /echo HTTP/1.1\r\nHost: localhost\r\n")]
    public async Task Stop_WithAConnectionWithoutARequest_EndsItWithoutAResponse_AndDoesNotWaitForIt(string head)
    {
        await using TestServer server =
            await TestServer.StartAsync(static listen => listen.UseWeir("/echo", new ScriptedHandler(), static options =>
        {
            NoHeartbeat.Configure(options);
            options.HandshakeTimeout = TimeSpan.FromMinutes(10);
        }));
        using RawClient client = await server.ConnectAsync();
        using RawClient open = await server.OpenAsync("/echo"); // accepted later, so the other has been accepted
        await client.SendHeadAsync(head);

        Task stopped = server.StopAsync();
        await open.ReadFrameAsync();
        await open.SendCloseAsync(1001);

        Assert.Equal((TcpEnd.Fin, 0), await client.DrainAsync());
        await stopped.Within(); // far below the handshake timeout
    }

    [Fact]
    public async Task Stop_RightAfterManyHaveOpened_MissesNone()
    {
        for (int round = 0; round < 5; round++)
        {
            await using TestServer server =
                await TestServer.StartAsync(static listen => listen.UseWeir("/echo", new ScriptedHandler(), NoHeartbeat.Configure));
            RawClient[] clients = await Task.WhenAll(Enumerable.Range(0, 100).Select(async _ =>
            {
                RawClient client = await server.ConnectAsync();
                await client.HandshakeAsync("/echo"); // has its 101; the server may be anywhere behind that
                return client;
            }));

            Task stopped = server.StopAsync();

            await Task.WhenAll(clients.Select(static async client =>
            {
                Assert.Equal(1001, (await client.ReadFrameAsync()).CloseCode);
                await client.SendCloseAsync(1001);
                Assert.Equal(TcpEnd.Fin, await client.ReadEndAsync());
                client.Dispose();
            }));
            await stopped.Within();
        }
    }
}
