using Weir.Integration.Servers;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Hosting;

/// <summary>SIGTERM.</summary>
public sealed class TerminationTests
{
    [Fact]
    public async Task OpenConnections_Get1001AndTheProcessEndsAtOnce()
    {
        await using HostProcess host = await HostProcess.StartAsync(("Weir__Drain__Window", "10m"));
        RawClient[] clients = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => host.OpenAsync("/ws?room=term")));
        using RawClient later = await host.ConnectAsync();
        await later.SendHeadAsync("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        await HttpBody.ReadAsync(later, await later.ReadHeadAsync());
        await later.HandshakeAsync("/ws?room=term"); // in the HTTP pipeline
        await later.SettleAsync();
        using RawClient headless = await host.ConnectAsync(); // has not sent a request
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

        // A hundred a second leave however long the window is: far below the ten minutes over which more would be spread.
        Assert.Equal(0, await host.ExitAsync());
        Array.ForEach(clients, static client => client.Dispose());
    }

    // No client answers, and a hundred a second are closed: it would take four seconds, and five more for the last ones.
    [Fact]
    public async Task WhileDraining_NoClientIsAdmittedAndASecondSigtermEndsIt()
    {
        const int Connections = 400;
        await using HostProcess host = await HostProcess.StartAsync(("Weir__Drain__Window", "60"));
        RawClient[] clients = await Task.WhenAll(Enumerable.Range(0, Connections).Select(_ => host.OpenAsync("/ws?room=drain")));
        using RawClient kept = await host.ConnectAsync();
        Assert.Equal(200, await ReadyAsync(kept));
        Assert.Equal(0, await host.MetricAsync("weir_drain_active"));

        Task<bool>[] closed = [.. clients.Select(WasClosedAsync)];

        host.Terminate();

        Assert.True(await await Task.WhenAny(closed).Within());
        Assert.Equal(503, await ReadyAsync(kept));
        Assert.Equal(200, await host.StatusOfAsync("/health/live"));
        using RawClient late = await host.ConnectAsync();
        foreach (RawClient client in (RawClient[])[late, kept]) // on the listener and in the HTTP pipeline
        {
            await client.SendHeadAsync(Heads.Upgrade("/ws?room=drain"));
            RawResponse refusal = await client.ReadHeadAsync();
            Assert.Equal(503, refusal.Status);
            Assert.Equal(["1"], refusal.Header("Retry-After"));
        }

        await host.MetricBecomesAsync("weir_drain_active", static active => active == 1);
        Assert.InRange(await host.MetricAsync("weir_drain_remaining"), 1, Connections);

        host.Terminate();

        Assert.Equal(0, await host.ExitAsync());
        Assert.Contains("The drain was aborted", host.Output, StringComparison.Ordinal);
        bool[] wasClosed = await Task.WhenAll(closed).Within();
        Assert.InRange(wasClosed.Count(static each => each), 1, Connections - 1); // the others were aborted
        Array.ForEach(clients, static client => client.Dispose());

        static async Task<int> ReadyAsync(RawClient client)
        {
            await client.SendHeadAsync("GET /health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n");
            RawResponse response = await client.ReadHeadAsync();
            await HttpBody.ReadAsync(client, response);
            return response.Status;
        }

        static async Task<bool> WasClosedAsync(RawClient client)
        {
            try
            {
                return (await client.ReadFrameAsync()).CloseCode == 1001;
            }
            catch (EndOfStreamException)
            {
                return false;
            }
        }
    }

    [Fact]
    public async Task ClientThatDoesNotAnswer_HoldsTheProcessNoLongerThanTheCloseTimeout()
    {
        await using HostProcess host = await HostProcess.StartAsync();
        using RawClient silent = await host.OpenAsync("/ws?room=silent");

        host.Terminate();

        Assert.Equal(0, await host.ExitAsync());
        Assert.Equal(1001, (await silent.ReadFrameAsync()).CloseCode);
    }
}
