using System.Text.RegularExpressions;
using Weir.TestSupport;
using Xunit;

namespace Weir.Integration.LoadTest;

/// <summary>Every scenario in a small form, against a Host that it starts by itself.</summary>
public sealed class ScenarioTests
{
    [Fact]
    public async Task Storm_RoundsAndProcesses_OpensAndClosesAllEachTime()
    {
        string output = await PassAsync("storm --connections 200 --rounds 2 --processes 2 --settle 0s --sources 127.0.0.5-127.0.0.6 --max-refused 0");

        Assert.Equal(2, Regex.Count(output, "ok     200 of 200 opened"));
        Assert.Equal(2, Regex.Count(output, "ok     200 of 200 ended with 1000, 0 did not end"));
        Assert.Contains("2 client processes", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Idle_Heartbeats_AreAnswered()
    {
        string output = await PassAsync(
            "idle --connections 50 --for 3s --settle 0s", LoadRun.Host("--Weir:Heartbeat:Interval=500ms --Weir:Heartbeat:Timeout=2s"));

        Assert.Contains("ok     0 lost while held", output, StringComparison.Ordinal);
        Assert.DoesNotMatch("held .* 0 heartbeats", output);
    }

    [Theory]
    [InlineData("--depth 4")] // closed loop
    [InlineData("--rate 300")] // open loop
    [InlineData("--rate 300 --processes 2 --payload-bytes 70000")]
    public async Task Echo_EitherLoop_GetsEverythingBack(string loop)
    {
        string output = await PassAsync($"echo --connections 10 --for 1s --warm-up 200ms --settle 0s --max-lost 0 --min-rate 10 {loop}");

        Match messages = Regex.Match(output, "ok     ([0-9,]+) of ([0-9,]+) messages, 0 twice or out of order");
        Assert.True(messages.Success && messages.Groups[1].Value == messages.Groups[2].Value, output);
        Assert.Equal(loop.Contains("depth", StringComparison.Ordinal),
            output.Contains("corrected for coordinated omission", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Echo_OverTls_AcceptsTheCertificateOnlyWithTheOption()
    {
        using TemporaryCertificate certificate = new();
        string host = LoadRun.Host(
            $"--Kestrel:Certificates:Default:Path={certificate.Path} --Kestrel:Certificates:Default:KeyPath={certificate.KeyPath}")
            .Replace("http://", "https://", StringComparison.Ordinal);

        string output = await PassAsync("echo --url wss://127.0.0.1:{port} --insecure --connections 5 --depth 8 --payload-bytes 3000 --for 1s --warm-up 0s --settle 0s", host);
        (int exitCode, string refused) = await LoadRun.RunAsync("storm --url wss://127.0.0.1:{port} --connections 1 --open-timeout 1s --settle 0s", "--server", host);

        Assert.Contains("messages, 0 twice or out of order", output, StringComparison.Ordinal);
        Assert.Equal(1, exitCode);
        Assert.Contains("certificate not accepted", refused, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--publish-rate 50")]
    [InlineData("--window 4")] // as fast as they arrive
    public async Task Fanout_EitherPace_DeliversAll(string pace)
        => await PassAsync($"fanout --connections 101 --rooms 1 --members-per-room 100 --for 1s --settle 0s --max-lost 0 {pace}");

    [Fact]
    public async Task Slow_BesideFast_AreClosedAndTheOthersLoseNothing()
    {
        string output = await PassAsync("slow --connections 100 --rooms 4 --members-per-room 20 --slow 3 --slow-for 4s --for 5s --settle 0s");

        Assert.Contains("ok     3 of 3 slow ones read on and were closed with 1009", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reconnect_ServerKilled_AllReconnect()
    {
        string output = await PassAsync("reconnect --connections 100 --down 200ms --backoff 50ms --most-backoff 500ms --max-back 60s --settle 0s");

        Assert.Contains("ok     100 of 100 noticed", output, StringComparison.Ordinal);
        Assert.Contains("ok     100 of 100 back within 60 s", output, StringComparison.Ordinal);
        Assert.Contains("away, each from its loss to its return", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rolling_OneOfTwoDrains_ItsClientsMoveOver()
    {
        string output = await PassAsync("rolling --connections 100 --settle 0s");

        Assert.Contains("ok     50 of 50 were closed with 1001", output, StringComparison.Ordinal);
        Assert.Contains("ok     100 of 100 are connected again", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Soak_ClientsConnectAndLeave_NothingIsLostAndGrowthIsReported()
    {
        string output = await PassAsync("soak --connections 100 --rooms 2 --members-per-room 10 --publish-rate 20 --churn 20 --for 4s --settle 0s --max-growth 1000000");

        Assert.Contains("server memory grows by", output, StringComparison.Ordinal);
        Assert.Contains("MB per hour of growth", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task BadHandshakes_Flood_AreRefusedBesideGoodOnes()
    {
        string output = await PassAsync("bad-handshakes --connections 5 --rate 50 --for 1s --settle 0s");

        Assert.Contains("x HTTP/1.1 400", output, StringComparison.Ordinal);
        Assert.Contains("x HTTP/1.1 426", output, StringComparison.Ordinal);
        Assert.Contains("x HTTP/1.1 431", output, StringComparison.Ordinal);
        Assert.Matches("ok     0 of [0-9,]+ bad ones were let in", output);
    }

    [Fact]
    public async Task BadTokens_ServerThatAcceptsThem_Fails()
    {
        (int exitCode, string output) = await LoadRun.RunAsync(
            "bad-tokens --connections 5 --rate 50 --flood-rate 100 --for 1s --settle 0s", "--server", LoadRun.Host());

        Assert.Equal(1, exitCode);
        Assert.Matches("FAILED ([0-9,]+) of \\1 bad ones were let in", output);
    }

    [Theory]
    [InlineData("echo --connections 5 --depth 4 --for 1s --warm-up 0s", "messages, 0 twice or out of order")]
    [InlineData("idle --connections 50 --for 3s", "ok     at most 0 lost: 0")]
    [InlineData("fanout --connections 51 --members-per-room 50 --window 2 --for 1s", "deliveries, 0 twice or out of order")]
    [InlineData("rolling --connections 60", "ok     30 of 30 were closed with 3001")]
    [InlineData(
        "steady --connections 60 --rooms 4 --members-per-room 10 --publish-rate 50 --slow 2 --slow-for 4s --for 5s --expect-drain",
        "ok     2 of 2 slow ones read on and were closed with 3008")]
    public async Task Centrifugo_Scenario_PassesInItsOwnWords(string options, string what)
    {
        string output = await PassAsync($"{options} --protocol centrifugo --settle 0s --max-lost 0", LoadRun.Host("--Weir:Heartbeat:Interval=1s"));

        Assert.Contains(what, output, StringComparison.Ordinal);
        Assert.Contains("/connection/websocket", output, StringComparison.Ordinal);
        Assert.DoesNotMatch("held .* 0 heartbeats", output); // of idle, which is long enough for some
    }

    private static async Task<string> PassAsync(string options, string? host = null)
    {
        (int exitCode, string output) = await LoadRun.RunAsync(options, "--server", host ?? LoadRun.Host());
        Assert.True(exitCode == 0, output);
        return output;
    }

    /// <summary>Files of a certificate, as Kestrel's configuration requires them.</summary>
    private sealed class TemporaryCertificate : IDisposable
    {
        private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("weir-load");

        public TemporaryCertificate()
        {
            using System.Security.Cryptography.X509Certificates.X509Certificate2 certificate = TestCertificate.Create();
            using System.Security.Cryptography.ECDsa key =
                System.Security.Cryptography.X509Certificates.ECDsaCertificateExtensions.GetECDsaPrivateKey(certificate)!;
            File.WriteAllText(Path, certificate.ExportCertificatePem());
            File.WriteAllText(KeyPath, key.ExportPkcs8PrivateKeyPem());
        }

        public string Path => System.IO.Path.Combine(_directory.FullName, "certificate.pem");

        public string KeyPath => System.IO.Path.Combine(_directory.FullName, "key.pem");

        public void Dispose() => _directory.Delete(recursive: true);
    }
}
