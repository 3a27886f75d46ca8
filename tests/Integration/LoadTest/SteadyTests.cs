using Weir.Integration.Servers;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.LoadTest;

/// <summary>The steady load in its small form, against a Host: it must pass, and must be able to fail.</summary>
public sealed class SteadyTests
{
    [Fact]
    public async Task Steady_SmallForm_LosesNothing()
    {
        await using HostProcess host = await HostProcess.StartAsync(("Weir__Heartbeat__Interval", "2s"), ("Weir__Drain__Window", "2"));

        (int exitCode, string output) = await RunAsync(
            host, "--connections 400 --rooms 20 --members-per-room 15 --publish-rate 200 --slow 5 --slow-for 5s --for 6s --expect-drain");

        Assert.True(exitCode == 0, output);
        Assert.Contains("ok     400 of 400 opened", output, StringComparison.Ordinal);
        Assert.Contains("ok     0 lost while held", output, StringComparison.Ordinal);
        Assert.Contains("ok     5 of 5 slow ones read on and were closed with 1009 \"too slow\"", output, StringComparison.Ordinal);
        Assert.Contains("ok     395 of 395 ended with 1001, 0 did not end", output, StringComparison.Ordinal);
        Assert.Contains("bytes per connection", output, StringComparison.Ordinal);
        Assert.Equal(0, await host.ExitAsync());
    }

    [Fact]
    public async Task Steady_ServerTakesFewer_GivesUpAndFails()
    {
        await using HostProcess host = await HostProcess.StartAsync(("Weir__Limits__MaxConnections", "50"));

        (int exitCode, string output) = await RunAsync(
            host, "--connections 60 --rooms 1 --members-per-room 5 --for 1s --open-rate 500 --open-timeout 1s");

        Assert.Equal(1, exitCode);
        Assert.Contains("FAILED 50 of 60 opened", output, StringComparison.Ordinal);
        Assert.Contains("x HTTP/1.1 503", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Steady_ServerDies_ReportsTheLost()
    {
        await using HostProcess host = await HostProcess.StartAsync();
        await using ChildProcess load = LoadRun.Start(
            $"steady --url ws://127.0.0.1:{host.Port} --connections 20 --rooms 1 --members-per-room 5 --for 1h --settle 0s");
        await Bounded.Eventually(() => load.LineStartingWith("ok     20 of 20 opened") is not null, LoadRun.Limit);

        host.Kill();
        int exitCode = await load.ExitCodeAsync().Within(LoadRun.Limit);

        Assert.Equal(1, exitCode);
        Assert.Contains("FAILED 20 lost while held", load.Output, StringComparison.Ordinal);
    }

    private static Task<(int ExitCode, string Output)> RunAsync(HostProcess host, string options)
        => LoadRun.RunAsync($"steady --url ws://127.0.0.1:{host.Port} --server-pid {host.Id} --settle 1s {options}");
}
