using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Weir.Integration.Auth;
using Weir.Integration.Servers;
using Weir.LoadTest.Running;
using Weir.Testing;
using Weir.TestSupport;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.LoadTest;

/// <summary>The scenarios for NBomber's API, on our own runner, against a Host; each passes, and fails where the server does.</summary>
public sealed class SuiteTests
{
    [Fact]
    public async Task Suite_NoScenarioNamed_RunsThoseThatAnyHostPasses()
    {
        await using HostProcess host =
            await HostProcess.StartAsync(("Weir__Echo__Enabled", "true"), ("Weir__Heartbeat__Interval", "500ms"));

        string output = await RunAsync($"--url ws://127.0.0.1:{host.Port} --copies 3 --rate 30 --for 2 --members 5", expected: 0);

        foreach (string scenario in new[] { "echo", "echo_at_rate", "storm", "fanout", "bad_handshakes" })
        {
            Assert.Contains($"ok     {scenario}: ", output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Suite_DemandNotMet_Fails()
    {
        string output = await RunAsync("--scenario echo --copies 1 --for 2 --max-p99-ms 0.0001", expected: 1, Host());

        Assert.Contains("FAILED echo: ", output, StringComparison.Ordinal);
    }

    // Each echo is closed with 1009: thousands of failures, of which the first few end the run.
    [Fact]
    public async Task Suite_TooManyFailures_EndsBeforeItsTime()
    {
        string output = await RunAsync("--scenario echo --copies 2 --for 30s --payload-bytes 200 --max-failures 3", expected: 1,
            Host("--Weir:Limits:MaxMessageBytes=100"));

        Assert.Contains("The run ends early: echo has failed", output, StringComparison.Ordinal);
        Assert.Contains(" x 1009 ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Suite_Interrupted_TakesItsServerAlong()
    {
        int port = LocalServer.FreePort();
        await using ChildProcess suite = Start($"--url ws://127.0.0.1:{port} --scenario storm --rate 1 --for 1h", Path.GetTempPath(), Host());
        await Bounded.Eventually(() => Accepts(port), LoadRun.Limit);

        Signals.Terminate(suite.Id);
        await suite.ExitCodeAsync().Within(LoadRun.Limit);

        await Bounded.Eventually(() => !Accepts(port), LoadRun.Limit);
    }

    [Fact]
    public async Task Idle_Heartbeats_ComeToEveryClient()
    {
        string output = await RunAsync("--scenario idle --connections 20 --for 3", expected: 0, Host("--Weir:Heartbeat:Interval=500ms"));

        Match heartbeats = Regex.Match(output, "ok     idle: ([0-9,]+) x heartbeat");
        Assert.True(int.Parse(heartbeats.Groups[1].Value, NumberStyles.AllowThousands, CultureInfo.InvariantCulture) >= 2 * 20, output);
    }

    [Fact]
    public async Task Idle_ServerWithoutHeartbeats_Fails()
    {
        string output = await RunAsync(
            "--scenario idle --connections 2 --for 2 --heartbeat-timeout 500ms", expected: 1, Host("--Weir:Heartbeat:Interval=0"));

        Assert.Contains("FAILED idle: 0 x heartbeat", output, StringComparison.Ordinal);
        Assert.Contains("no Ping within 0.5 s", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Slow_BesideFast_AreClosed()
    {
        string output = await RunAsync("--scenario slow --slow 2 --slow-for 4s --for 4s --members 5", expected: 0, Host());

        Assert.Contains("ok     slow: 2 x closed", output, StringComparison.Ordinal);
        Assert.Matches("ok     slow_beside: [1-9][0-9,]* x round", output);
    }

    [Fact]
    public async Task Slow_ServerThatKeepsEverything_Fails()
    {
        string output = await RunAsync(
            "--scenario slow --slow 1 --slow-for 4s --for 2s --members 5", expected: 1, Host("--Weir:Pressure:CloseAtBytes=1000000000"));

        Assert.Contains("FAILED slow: 0 x closed", output, StringComparison.Ordinal);
        Assert.Matches("was not closed as too slow: it got the last of [0-9]+ messages", output);
    }

    [Theory]
    [InlineData("Http")] // 401
    [InlineData("Close")] // a close code instead of the first answer
    public async Task BadTokens_ServerThatChecks_RefusesThemAndTakesGoodOnes(string reject)
    {
        string host = Host($"'--Weir:Auth:Jwt:Secret={Tokens.Secret}' --Weir:Auth:Reject={reject}");

        string output = await RunAsync($"--scenario bad_tokens echo --copies 3 --for 2 --token {Tokens.Make("\"sub\":\"me\"")}", expected: 0, host);

        Assert.Matches("ok     bad_tokens: [1-9][0-9,]* x refuse", output);
        Assert.Matches("ok     echo: [1-9][0-9,]* x echo", output);
    }

    [Fact]
    public async Task BadTokens_ServerThatAcceptsThem_Fails()
    {
        string output = await RunAsync("--scenario bad_tokens --copies 1 --for 2", expected: 1, Host());

        Assert.Contains("FAILED bad_tokens: 0 x refuse", output, StringComparison.Ordinal);
        Assert.Contains("was let in", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reconnect_ServerKilled_AllReconnect()
    {
        string output = await RunAsync("--scenario reconnect --connections 20 --for 2 --down 200ms --backoff 50ms --most-backoff 500ms",
            expected: 0, Host());

        Assert.Contains("ok     reconnect: 20 x away", output, StringComparison.Ordinal);
        Assert.Contains("ok     reconnect_crash: 1 x all_back", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reconnect_ServerDownForTooLong_Fails()
    {
        string output = await RunAsync("--scenario reconnect --connections 2 --for 2 --down 1s --backoff 50ms --max-away 500ms", expected: 1, Host());

        Assert.Contains("FAILED reconnect: 0 x away", output, StringComparison.Ordinal);
        Assert.Contains("and not back within 0.5 s", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rolling_OneOfTwoDrains_ItsClientsMoveOver()
    {
        string output = await RunAsync("--scenario rolling --connections 20 --for 2 --backoff 50ms", expected: 0, Host());

        Assert.Contains("ok     rolling: 10 x away", output, StringComparison.Ordinal);
        Assert.Contains("ok     rolling_drain: 1 x drain", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rolling_ServerThatTakesTooLong_Fails()
    {
        string output = await RunAsync("--scenario rolling --connections 20 --for 2 --drain-timeout 1ms", expected: 1, Host());

        Assert.Contains("FAILED rolling_drain: 0 x drain", output, StringComparison.Ordinal);
        Assert.Contains("the server has not ended within 0.0 s", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1_000_000, 0)]
    [InlineData(-1_000_000, 1)]
    public async Task Soak_Growth_IsEvaluated(int maxGrowth, int expected)
    {
        string output = await RunAsync($"--scenario soak --copies 2 --members 5 --rate 20 --churn 10 --for 3 --max-growth {maxGrowth}",
            expected, Host());

        Assert.Contains("server memory grows by", output, StringComparison.Ordinal);
        Assert.Contains(expected == 0 ? "ok     soak: 1 x watch" : "FAILED soak: 0 x watch", output, StringComparison.Ordinal);
        Assert.Matches("ok     soak_rooms: [1-9][0-9,]* x round", output);
        Assert.Matches("ok     soak_churn: [1-9][0-9,]* x open", output);
    }

    [Theory]
    [InlineData("--scenario reconnect --url ws://127.0.0.1:1", "reconnect needs --server")]
    [InlineData("--scenario echo rolling --url ws://127.0.0.1:1", "rolling needs --server")]
    [InlineData("--scenario soak --url ws://127.0.0.1:1", "soak needs --server or --server-pid")]
    [InlineData("--scenario echo", "Either --url with a port, or --server")]
    [InlineData("--url ftp://127.0.0.1:1", "is no ws:// or wss:// address")]
    [InlineData("--url ws://127.0.0.1:1 --copies 0", "--copies is 1 at least")]
    [InlineData("--url ws://127.0.0.1:1 --for 1.9", "--for is 2s at least")]
    [InlineData("--url ws://127.0.0.1:1 --max-failures -1", "--max-failures is 0 at least")]
    [InlineData("--url ws://127.0.0.1:1 --for soon", "is no time like")]
    public async Task Options_ThatMakeNoSense_AreRefusedByName(string options, string why)
    {
        string output = await RunAsync(options, expected: null);

        Assert.Contains(why, output, StringComparison.Ordinal);
    }

    private static string Host(string options = "") => LoadRun.Host($"--Weir:WarmUp=false {options}");

    // The expected exit code; null: any but 0.
    private static async Task<string> RunAsync(string options, int? expected, string? host = null)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("weir-suite");
        try
        {
            await using ChildProcess suite = Start(options, folder.FullName, host);
            int exitCode = await suite.ExitCodeAsync().Within(LoadRun.Limit);
            Assert.True(expected is null ? exitCode != 0 : exitCode == expected, $"{exitCode}: {suite.Output}");
            if (expected == 0)
            {
                Assert.True(File.Exists(Path.Combine(Assert.Single(folder.GetDirectories()).FullName, "report.html")), suite.Output);
            }

            return suite.Output;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static ChildProcess Start(string options, string reportFolder, string? host)
    {
        string[] command =
        [
            Path.Combine(AppContext.BaseDirectory, "Weir.LoadTest.Suite.dll"), "--report-folder", reportFolder,
            .. options.Split(' '), .. host is null ? [] : new[] { "--server", host },
        ];
        return ChildProcess.Start("dotnet", command, AppContext.BaseDirectory);
    }

    private static bool Accepts(int port)
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Connect(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
