using Weir.Integration.Servers;
using Weir.TestSupport;
using Xunit;

namespace Weir.Integration.Hosting;

/// <summary>SIGTERM.</summary>
public sealed class TerminationTests
{
    [Fact]
    public async Task OpenConnections_Get1001AndTheProcessEndsAtOnce()
    {
        await using HostProcess host = await HostProcess.StartAsync();
        RawClient[] clients = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => host.OpenAsync("/ws?room=term")));
        using RawClient later = await host.ConnectAsync();
        await later.SendHeadAsync("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        await HttpBody.ReadAsync(later, await later.ReadHeadAsync());
        await later.HandshakeAsync("/ws?room=term"); // by the second door
        await later.SettleAsync();
        using RawClient headless = await host.ConnectAsync(); // has not even asked
        using RawClient idle = await host.ConnectAsync();
        await idle.SendHeadAsync("GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Assert.Equal(200, (await idle.ReadHeadAsync()).Status);

        host.Terminate();
        await Task.WhenAll(clients.Append(later).Select(static async client =>
        {
            ServerFrame close = await client.ReadFrameAsync();
            Assert.Equal((1001, "server shutting down"), (close.CloseCode, close.CloseReason));
            await client.SendCloseAsync(1001);
            Assert.Equal(TcpEnd.Fin, await client.ReadEndAsync());
        }));

        // Below the 5 s for a client that does not answer, and far below the 30 s over which many would be spread.
        Assert.Equal(0, await host.ExitAsync(TimeSpan.FromSeconds(4)));
        Array.ForEach(clients, static client => client.Dispose());
    }

    [Fact]
    public async Task ClientThatDoesNotAnswer_HoldsTheProcessNoLongerThanTheCloseTimeout()
    {
        await using HostProcess host = await HostProcess.StartAsync();
        using RawClient silent = await host.OpenAsync("/ws?room=silent");

        host.Terminate();

        Assert.Equal(0, await host.ExitAsync(TimeSpan.FromSeconds(10)));
        Assert.Equal(1001, (await silent.ReadFrameAsync()).CloseCode);
    }
}
