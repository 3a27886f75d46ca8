using Weir.Integration.Hosting;
using Weir.Integration.Servers;
using Weir.TestSupport;
using Xunit;

namespace Weir.Integration.LoadTest;

/// <summary>The load test in its small form, against a Host: it must pass, and must be able to fail.</summary>
public sealed class SteadyLoadTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(40);

    [Fact]
    public async Task Steady_SmallForm_LosesNothing()
    {
        await using HostProcess host = await HostProcess.StartAsync(("Weir__Heartbeat__Interval", "2s"), ("Weir__Drain__Window", "2"));

        (int exitCode, string output) = await RunAsync(
            host,
            "--connections 400 --rooms 20 --members-per-room 15 --publish-rate 200 --slow 5 --slow-for 5 --hold 6 --expect-drain",
            "--server-pid", $"{host.Id}");

        Assert.True(exitCode == 0, output);
        Assert.Contains("ok     400 of 400 opened", output, StringComparison.Ordinal);
        Assert.Contains("ok     0 lost while held", output, StringComparison.Ordinal);
        Assert.Contains("ok     5 of 5 slow ones read on and were told 1009 \"too slow\"", output, StringComparison.Ordinal);
        Assert.Contains("ok     395 of 395 ended with 1001, 0 did not end", output, StringComparison.Ordinal);
        Assert.Contains("bytes per connection", output, StringComparison.Ordinal);
        Assert.Equal(0, await host.ExitAsync());
    }

    [Fact]
    public async Task Steady_ServerTakesFewer_GivesUpAndFails()
    {
        await using HostProcess host = await HostProcess.StartAsync(("Weir__Limits__MaxConnections", "50"));

        (int exitCode, string output) = await RunAsync(
            host, "--connections 60 --rooms 1 --members-per-room 5 --hold 1 --open-rate 500 --patience 1");

        Assert.Equal(1, exitCode);
        Assert.Contains("FAILED 50 of 60 opened", output, StringComparison.Ordinal);
        Assert.Contains("x HTTP/1.1 503", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Steady_DemandsNotMet_Fails()
    {
        await using HostProcess host = await HostProcess.StartAsync();

        (int exitCode, string output) = await RunAsync(
            host,
            "--connections 10 --rooms 1 --members-per-room 5 --hold 1 --max-p99-ms 0.001 --max-bytes-per-connection 1",
            "--server-pid", $"{host.Id}");

        Assert.Equal(1, exitCode);
        Assert.Contains("ok     10 of 10 ended with 1000, 0 did not end", output, StringComparison.Ordinal);
        Assert.Contains("FAILED p99 at most 0.001 ms", output, StringComparison.Ordinal);
        Assert.Contains("FAILED at most 1 bytes per connection", output, StringComparison.Ordinal);
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(HostProcess host, string options, params string[] more)
    {
        string[] command = [
            Path.Combine(AppContext.BaseDirectory, "Weir.LoadTest.dll"),
            "steady", "--url", $"ws://127.0.0.1:{host.Port}/ws", .. options.Split(' '), .. more];
        await using ChildProcess load = ChildProcess.Start("dotnet", command, AppContext.BaseDirectory);
        int exitCode = await load.ExitCodeAsync().Within(_limit);
        return (exitCode, load.Output);
    }
}
