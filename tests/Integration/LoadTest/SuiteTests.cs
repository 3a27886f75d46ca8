using Weir.Integration.Hosting;
using Weir.Integration.Servers;
using Weir.TestSupport;
using Xunit;

namespace Weir.Integration.LoadTest;

/// <summary>The scenarios for NBomber's API, on our own runner, against a Host.</summary>
public sealed class SuiteTests
{
    [Fact]
    public async Task Suite_AllScenarios_Pass()
    {
        await using HostProcess host = await HostProcess.StartAsync(("Weir__Echo__Enabled", "true"), ("Weir__Heartbeat__Interval", "500ms"));

        (int exitCode, string output) = await RunAsync(host.Port, "--copies 3 --rate 30 --for 1 --members 5");

        Assert.True(exitCode == 0, output);
        foreach (string scenario in new[] { "echo", "echo_at_rate", "storm", "fanout", "bad_handshakes" })
        {
            Assert.Contains($"ok     {scenario}: ", output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Suite_DemandNotMet_Fails()
    {
        await using HostProcess host = await HostProcess.StartAsync(("Weir__Echo__Enabled", "true"));

        (int exitCode, string output) = await RunAsync(host.Port, "--scenario echo --copies 1 --for 0.2 --max-p99-ms 0.0001");

        Assert.Equal(1, exitCode);
        Assert.Contains("FAILED echo: ", output, StringComparison.Ordinal);
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(int port, string options)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("weir-suite");
        try
        {
            string[] command = [Path.Combine(AppContext.BaseDirectory, "Weir.LoadTest.Suite.dll"), "--url", $"ws://127.0.0.1:{port}", "--report-folder", folder.FullName, .. options.Split(' ')];
            await using ChildProcess suite = ChildProcess.Start("dotnet", command, AppContext.BaseDirectory);
            int exitCode = await suite.ExitCodeAsync().Within(LoadRun.Limit);
            return (exitCode, suite.Output);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
