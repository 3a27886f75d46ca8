using Weir.Hosting;
using Weir.Protocol;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Connections;

public sealed class WeirConnectionDrainTests
{
    [Fact]
    public async Task Drain_Window_ClosesOneAfterAnother()
    {
        await using WeirConnectionHarness server = new();
        List<WeirConnectionClient> clients = await ConnectAsync(server, 1500);

        Task drain = Drain.RunAsync(server.Listener.Engine, TimeSpan.FromSeconds(10), Drain.LastCloseTimeout, default);

        int closedBefore = 0;
        for (int second = 1; second <= 10; second++)
        {
            server.Wait(TimeSpan.FromSeconds(1));
            int now = (int)server.Metrics.Sum("weir.connections.drained");
            Assert.InRange(now - closedBefore, 130, 170);
            closedBefore = now;
        }

        Assert.Equal(1500, closedBefore);
        foreach (WeirConnectionClient client in clients)
        {
            ServerFrame close = await client.ReadFrameAsync();
            Assert.Equal((1001, "server shutting down"), (close.CloseCode, close.CloseReason));
            await client.SendAsync(Frames.Close(1001));
            await client.Finished.Within();
        }

        server.Wait(TimeSpan.FromSeconds(1));
        await drain.Within();
        Assert.Equal(0, server.Listener.Engine.Connections.Count);
    }

    [Fact]
    public async Task Drain_CloseThatArrivedDuringAPause_IsReadBeforeTheAbort()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync();
        Task drain = Drain.RunAsync(server.Listener.Engine, TimeSpan.Zero, Drain.LastCloseTimeout, default);
        Assert.Equal(1001, (await client.ReadFrameAsync()).CloseCode);
        server.Wait(Drain.LastCloseTimeout * 0.9);

        server.Time.Advance(TimeSpan.FromHours(1));
        Assert.False(drain.IsCompleted);
        await client.SendAsync(Frames.Close(1001));

        await client.Finished.Within();
        Assert.Equal((CloseCode)1001, Assert.Single(server.Handler.Closures).Code);
        server.Wait(TimeSpan.FromSeconds(1));
        await drain.Within();
    }

    [Fact]
    public async Task Drain_EndpointWithACodeOfItsOwn_ClosesWithIt()
    {
        await using WeirConnectionHarness server = new(options =>
        {
            options.ShutdownCode = (CloseCode)3001;
            options.ShutdownReason = "shutdown";
        });
        WeirConnectionClient client = await server.ConnectAsync();

        Task drain = Drain.RunAsync(server.Listener.Engine, TimeSpan.Zero, Drain.LastCloseTimeout, default);

        ServerFrame close = await client.ReadFrameAsync();
        Assert.Equal((3001, "shutdown"), (close.CloseCode, close.CloseReason));
        await client.SendAsync(Frames.Close(3001));
        await client.Finished.Within();
        server.Wait(TimeSpan.FromSeconds(1));
        await drain.Within();
    }

    [Fact]
    public async Task Drain_FewConnections_DoesNotTakeTheWholeWindow()
    {
        await using WeirConnectionHarness server = new();
        List<WeirConnectionClient> clients = await ConnectAsync(server, 15);

        Task drain = Drain.RunAsync(server.Listener.Engine, TimeSpan.FromHours(1), Drain.LastCloseTimeout, default);
        server.Wait(TimeSpan.FromSeconds(1));

        foreach (WeirConnectionClient client in clients)
        {
            Assert.Equal(1001, (await client.ReadFrameAsync()).CloseCode);
            await client.SendAsync(Frames.Close(1001));
        }

        server.Wait(TimeSpan.FromSeconds(1));
        await drain.Within();
    }

    [Fact]
    public async Task Drain_NewHandshakes_Get503WithRetryAfter()
    {
        await using WeirConnectionHarness server = new();
        await ConnectAsync(server, 1);
        Task drain = Drain.RunAsync(server.Listener.Engine, TimeSpan.FromSeconds(10), Drain.LastCloseTimeout, default);

        WeirConnectionClient late = await server.ConnectAsync();

        string head = await late.ReadHeadAsync();
        Assert.StartsWith("HTTP/1.1 503 ", head, StringComparison.Ordinal);
        Assert.Contains("\r\nRetry-After: 1\r\n", head, StringComparison.Ordinal);
        server.Wait(TimeSpan.FromSeconds(20));
        await drain.Within();
    }

    [Fact]
    public async Task Drain_MessagesAccepted_LeaveBeforeTheClose()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync(gated: true);
        client.Gate.Hold();
        server.Handler.Connection.Send("in the flush");
        server.Handler.Connection.Send("waits");

        Task drain = Drain.RunAsync(server.Listener.Engine, TimeSpan.Zero, Drain.LastCloseTimeout, default);
        client.Gate.Release();

        await Bounded.Eventually(() => client.GatedFrames().Count == 3);
        Assert.Equal(["in the flush", "waits"], client.GatedFrames().Take(2).Select(frame => frame.Text));
        Assert.Equal(1001, client.GatedFrames()[2].CloseCode);
        await client.SendAsync(Frames.Close(1001));
        server.Wait(TimeSpan.FromSeconds(1));
        await drain.Within();
    }

    [Fact]
    public async Task Drain_ClientDoesNotAnswer_IsAbortedAtTheEnd()
    {
        await using WeirConnectionHarness server = new(options => options.CloseTimeout = TimeSpan.FromMinutes(10));
        List<WeirConnectionClient> clients = await ConnectAsync(server, 3);
        Task drain = Drain.RunAsync(server.Listener.Engine, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), default);

        server.Wait(TimeSpan.FromSeconds(4));

        await drain.Within();
        foreach (WeirConnectionClient client in clients)
        {
            await client.Finished.Within();
            Assert.NotEmpty(client.Transport.Aborts);
        }
    }

    [Fact]
    public async Task Drain_AbortToken_EndsAtOnce()
    {
        await using WeirConnectionHarness server = new();
        List<WeirConnectionClient> clients = await ConnectAsync(server, 50);
        using CancellationTokenSource abort = new();
        Task drain = Drain.RunAsync(server.Listener.Engine, TimeSpan.FromHours(1), Drain.LastCloseTimeout, abort.Token);

        await abort.CancelAsync();

        await drain.Within();
        foreach (WeirConnectionClient client in clients)
        {
            await client.Finished.Within();
        }

        Assert.Single(server.Log.Of("DrainAborted"));
    }

    private static async Task<List<WeirConnectionClient>> ConnectAsync(WeirConnectionHarness server, int count)
    {
        List<WeirConnectionClient> clients = [];
        for (int i = 0; i < count; i++)
        {
            clients.Add(await server.ConnectAsync());
        }

        return clients;
    }
}
