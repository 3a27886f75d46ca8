using System.Text.Json;
using Weir.Integration.Servers;
using Weir.Testing;
using Weir.TestSupport;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.LoadTest;

/// <summary>What a run leaves behind: its exit code and its report.</summary>
public sealed class RunResultTests : IAsyncLifetime
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("weir-load");
    private HostProcess? _host;

    private string Target => $"--url ws://127.0.0.1:{_host!.Port} --server-pid {_host.Id} --settle 0s";

    public async ValueTask InitializeAsync() => _host = await HostProcess.StartAsync(("Weir__Echo__Enabled", "true"));

    public async ValueTask DisposeAsync()
    {
        await _host!.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    [Theory]
    [InlineData("--max-p50 1us", "p50 of messages at most 0.001 ms")]
    [InlineData("--max-p99 1us", "p99 of messages at most 0.001 ms")]
    [InlineData("--max-p999 1us", "p99.9 of messages at most 0.001 ms")]
    [InlineData("--max-latency 1us", "the worst latency of messages at most 0.001 ms")]
    [InlineData("--min-rate 1000000000", "at least 1,000,000,000 messages/s")]
    [InlineData("--max-bytes-per-connection -1000000000", "at most -1,000,000,000 bytes per connection")]
    [InlineData("--max-growth 1", "at most 1 MB per hour of growth: not measured")]
    public async Task Threshold_NotMet_IsExitCode1(string threshold, string what)
    {
        (int exitCode, string output) =
            await LoadRun.RunAsync($"echo {Target} --connections 2 --rate 50 --for 500ms --warm-up 0s {threshold}");

        Assert.Equal(1, exitCode);
        Assert.Contains($"FAILED {what}", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Threshold_AllMet_IsExitCode0()
    {
        (int exitCode, string output) = await LoadRun.RunAsync(
            $"echo {Target} --connections 2 --rate 50 --for 500ms --warm-up 0s --max-p50 1h --max-p99 1h --max-lost 0 --max-refused 0 --min-rate 1 --max-bytes-per-connection 1000000000");

        Assert.True(exitCode == 0, output);
        Assert.DoesNotContain("FAILED", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("echo --url ftp://127.0.0.1:1", "is no ws:// or wss:// address")]
    [InlineData("echo --url ws://127.0.0.1:1 --for soon", "is no time like")]
    [InlineData("fanout --url ws://127.0.0.1:1 --connections 10 --rooms 1 --members-per-room 10", "9 connections are left for rooms of 10 members")]
    [InlineData("reconnect --url ws://127.0.0.1:1", "needs --server")]
    [InlineData("echo", "Either --url with a port, or --server")]
    public async Task Options_ThatMakeNoSense_AreRefusedByName(string options, string why)
    {
        (int exitCode, string output) = await LoadRun.RunAsync(options);

        Assert.NotEqual(0, exitCode);
        Assert.Contains(why, output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Report_OfARun_HasItsFigures()
    {
        (int exitCode, string output) = await LoadRun.RunAsync(
            $"echo {Target} --connections 4 --rate 100 --for 2s --warm-up 0s", "--report", _directory.FullName);

        Assert.True(exitCode == 0, output);
        using JsonDocument json = JsonDocument.Parse(Read("report.json"));
        JsonElement echo = json.RootElement.GetProperty("phases").EnumerateArray()
            .Single(static each => each.GetProperty("name").GetString() == "echo");
        long received = echo.GetProperty("counts").GetProperty("received").GetInt64();
        Assert.Equal(received, echo.GetProperty("latencies").GetProperty("message").GetProperty("count").GetInt64());
        Assert.True(received > 0);
        Assert.True(echo.GetProperty("serverBytesAfter").GetInt64() > 0);
        Assert.Equal(0, json.RootElement.GetProperty("exitCode").GetInt32());

        string html = Read("report.html");
        Assert.Contains("Distribution of message latency", html, StringComparison.Ordinal);
        Assert.Contains("Close codes", html, StringComparison.Ordinal);
        Assert.Contains("Server memory per open connection", html, StringComparison.Ordinal);
        Assert.DoesNotContain("src=", html, StringComparison.Ordinal); // nothing to load from elsewhere
        Assert.DoesNotContain("href=", html, StringComparison.Ordinal);

        string[] seconds = Read("seconds.csv").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.StartsWith("Seconds,Phase,Open,", seconds[0], StringComparison.Ordinal);
        Assert.True(seconds.Length > 2);
        Assert.All(seconds, line => Assert.Equal(seconds[0].Count(static c => c == ','), line.Count(static c => c == ',')));
        Assert.Contains("echo,message,", Read("latencies.csv"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Report_OfAnInterruptedRun_IsWrittenAllTheSame(int processes)
    {
        await using ChildProcess load = LoadRun.Start(
            $"echo {Target} --connections 4 --rate 100 --for 1h --warm-up 0s --processes {processes}", "--report", _directory.FullName);
        await Bounded.Eventually(() => load.Output.Contains(" s echo: ", StringComparison.Ordinal), LoadRun.Limit);

        Signals.Terminate(load.Id);
        int exitCode = await load.ExitCodeAsync().Within(LoadRun.Limit);

        Assert.True(exitCode == 130, load.Output);
        using JsonDocument json = JsonDocument.Parse(Read("report.json"));
        Assert.True(json.RootElement.GetProperty("isInterrupted").GetBoolean());
        Assert.Contains(json.RootElement.GetProperty("figures").EnumerateArray(), static each => each.GetProperty("name")
            .GetString() == "p99");
        Assert.Contains("interrupted", Read("report.html"), StringComparison.Ordinal);
    }

    private string Read(string file) => File.ReadAllText(Path.Combine(_directory.FullName, file));
}
