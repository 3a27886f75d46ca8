using System.Collections.Concurrent;
using System.Diagnostics;
using Weir.Closing;
using Weir.Connections;
using Weir.Integration.Servers;
using Weir.Protocol;
using Weir.Testing;
using Weir.TestSupport;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Wire;

/// <summary>Clients that disappear silently: no FIN and no RST.</summary>
[Collection(Alone.Name)]
public sealed class DeadLinkTests
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _timeout = TimeSpan.FromMilliseconds(500);

    // For the wheel's own resolution: one tick to notice, one that the last sign of life was noted too late by.
    private static readonly TimeSpan _twoTicks = TimeSpan.FromMilliseconds(200);

    // What lies between the wheel and this test: the thread pool, on a machine that runs other tests.
    private static readonly TimeSpan _slack = TimeSpan.FromMilliseconds(500);

    [Fact]
    public async Task ClientProcess_Suspended_IsClosedAfterIntervalAndTimeout()
    {
        Witness witness = new();
        await using TestServer server = await TestServer.StartAsync(listen => listen.UseWeir("/quiet", witness, static options =>
        {
            options.Heartbeat.Interval = _interval;
            options.Heartbeat.Timeout = _timeout;
        }));
        await using ChildProcess client = StartClient(server.Address("/quiet"));
        await Bounded.Eventually(() => server.Metrics.Count("weir.ping.duration") >= 2); // it works, and pings keep it open
        Assert.Empty(witness.Closures);

        double lagBefore = server.Metrics.Sum("weir.wheel.lag");
        long suspended = Stopwatch.GetTimestamp();
        Signals.Suspend(client.Id);
        await Bounded.Eventually(() => !witness.Closures.IsEmpty);

        (WeirClosure closure, long at) = Assert.Single(witness.Closures);
        TimeSpan lag = TimeSpan.FromSeconds(server.Metrics.Sum("weir.wheel.lag") - lagBefore);
        TimeSpan took = Stopwatch.GetElapsedTime(suspended, at);
        Assert.Equal((CloseCode.Abnormal, CloseInitiator.Engine), (closure.Code, closure.Initiator));
        // Its last Pong came at most an interval before; it is not aborted before the timeout.
        Assert.InRange(took, _timeout - _twoTicks, _interval + _timeout + _twoTicks + lag + _slack);
        Assert.Equal(1, server.Metrics.Sum("weir.heartbeats.missed"));
    }

    [Fact]
    public async Task ClientsNetwork_GoesDown_IsClosedAfterIntervalAndTimeout()
    {
        await using NetworkNamespace network = await NetworkNamespace.CreateAsync();
        await using HostProcess host = await HostProcess.StartWithAsync(
            ["--urls", $"http://{network.HostAddress}:0"],
            ("Weir__Heartbeat__Interval", "1s"),
            ("Weir__Heartbeat__Timeout", "500ms"));
        await using ChildProcess client = StartClient(new Uri($"ws://{network.HostAddress}:{host.Port}/ws?room=far"), network);
        await host.MetricBecomesAsync("weir_ping_duration_seconds_count", static count => count >= 2);
        Assert.Equal(1, await host.MetricAsync("weir_connections_active"));

        long cut = Stopwatch.GetTimestamp();
        await network.DisconnectAsync();
        await host.MetricBecomesAsync("weir_heartbeats_missed_total", static missed => missed == 1);

        TimeSpan took = Stopwatch.GetElapsedTime(cut);
        TimeSpan seen = TimeSpan.FromMilliseconds(350); // how old a page of metrics may be, and how often we look
        Assert.InRange(took, _timeout - _twoTicks, _interval + _timeout + _twoTicks + seen + _slack);
        await host.MetricBecomesAsync("weir_connections_active", static active => active == 0);
        Assert.Null(client.LineStartingWith("closed")); // the client was never notified
    }

    private static ChildProcess StartClient(Uri address, NetworkNamespace? network = null)
    {
        string[] command = [.. network?.Prefix ?? [], "node", "stay.mjs", address.ToString()];
        return ChildProcess.Start(command[0], command[1..], Repository.Clients);
    }

    private sealed class Witness : WeirHandler
    {
        public ConcurrentQueue<(WeirClosure Closure, long At)> Closures { get; } = [];

        public override ValueTask OnClosedAsync(WeirConnection connection, WeirClosure closure)
        {
            Closures.Enqueue((closure, Stopwatch.GetTimestamp()));
            return default;
        }
    }
}
