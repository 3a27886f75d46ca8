using System.Net.WebSockets;
using Weir.Integration.Servers;
using Weir.TestSupport;
using Xunit;

namespace Weir.Integration.Embedding;

/// <summary>What an application's end means for its connections, by whichever door they came.</summary>
public sealed class ShutdownTests
{
    [Fact]
    public async Task Stop_WithOpenConnections_ClosesAllWith1001()
    {
        await using TestServer server = await TestServer.StartAsync(
            static listen => listen.UseWeir("/echo", new ScriptedHandler()),
            static app => app.MapWeir("/second", new ScriptedHandler()));
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
            Assert.Equal(TcpEnd.Fin, await client.ReadEndAsync());
        }

        (WebSocketMessageType type, _) = await third.ReceiveAsync();
        Assert.Equal(WebSocketMessageType.Close, type);
        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, third.CloseStatus);
        await third.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, null, CancellationToken.None).Within();
        await stopped.Within();
        Assert.Equal(0, server.Metrics.Sum("weir.connections.active"));
        Assert.Equal(4, server.Metrics.Sum("weir.connections.closed", ("weir.close.code", "1001"), ("weir.close.initiator", "server")));
    }
}
