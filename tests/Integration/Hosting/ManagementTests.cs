using Weir.Testing;
using Weir.TestSupport;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Hosting;

/// <summary>Ports of management: what operators and back ends use is there only, and what clients use is not there.</summary>
public sealed class ManagementTests : IDisposable
{
    private const string Line = "Management is at ";

    private static readonly string[] _private =
        ["/metrics", "/METRICS", "/%6Detrics", "/./metrics", "/x/../metrics", "/health/live", "/Health/Ready", "/api/info", "/API/info"];

    private readonly string _pfx = Path.Combine(Path.GetTempPath(), $"weir-{Guid.NewGuid():N}.pfx");

    public void Dispose() => File.Delete(_pfx);

    [Theory]
    [InlineData("--urls", "http://127.0.0.1:0")]
    [InlineData("--Kestrel:Endpoints:Main:Url", "http://127.0.0.1:0")]
    public async Task PrivateEndpoints_AreOnThePortOfManagementOnly(string name, string url)
    {
        await using HostProcess host = await HostProcess.StartWithAsync(
            [name, url, "--Weir:Management:Urls=http://127.0.0.1:0", "--Weir:Api:Key=0123456789abcdef", "--Weir:Echo:Enabled=true"]);
        int port = await PortAsync(host, 0);

        foreach (string target in _private)
        {
            Assert.Equal(404, await StatusAsync(host.Port, target));
            Assert.Contains(await StatusAsync(port, target), (int[])[200, 401]); // 401: the API without its key
        }

        foreach (string target in (string[])["/", "/weir.js", "/sse?room=r", "/ws?room=r", "/echo", "/connection/websocket"])
        {
            Assert.Equal(404, await StatusAsync(port, target));
        }

        Assert.Equal(200, await StatusAsync(host.Port, "/"));
        using RawClient client = await host.OpenAsync("/ws?room=r");
        using RawClient stranger = await RawClient.ConnectAsync("127.0.0.1", port);
        await stranger.SendHeadAsync(Heads.Upgrade("/ws?room=r", "", $"127.0.0.1:{port}"));
        Assert.Equal(404, (await stranger.ReadHeadAsync()).Status);
        Assert.Empty(host.Warnings);
    }

    [Fact]
    public async Task SeveralAddresses_WithTlsAndAUnixSocket_AreAllOpened()
    {
        const string Password = "for the test";
        TestCertificate.WriteTo(_pfx, Password);
        string socket = Path.Combine(Path.GetTempPath(), $"weir-{Guid.NewGuid():N}.sock");
        await using HostProcess host = await HostProcess.StartWithAsync(
            ["--urls", "http://127.0.0.1:0", $"--Weir:Management:Urls=http://127.0.0.1:0,https://127.0.0.1:0,http://unix:{socket}"],
            ("Kestrel__Certificates__Default__Path", _pfx), ("Kestrel__Certificates__Default__Password", Password));

        Assert.Equal(200, await StatusAsync(await PortAsync(host, 0), "/health/live"));
        Assert.Equal(200, await StatusAsync(await PortAsync(host, 1), "/health/live", tls: true));
        await Bounded.Eventually(() => host.Output.Contains($"{Line}http://unix:{socket}", StringComparison.Ordinal));
        Assert.Single(host.Addresses);
        host.Terminate();
        Assert.Equal(0, await host.ExitAsync());
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("http://localhost:9090/metrics")]
    [InlineData("ftp://localhost:21")]
    public async Task AddressThatIsNone_EndsTheStart(string url)
    {
        (int exitCode, _, string errors) = await HostProcess.RunAsync([$"--Weir:Management:Urls={url}"]);

        Assert.Equal(1, exitCode);
        Assert.Contains($"Weir:Management:Urls is '{url}'; allowed is a list of addresses", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_OfPortsOfManagement_HasNoWarningAboutMetrics()
    {
        (_, string output, _) = await HostProcess.RunAsync(["check", "--urls", "http://*:80", "--Weir:Management:Urls=http://localhost:9090"]);

        Assert.Contains("/metrics, /health and /api are at http://localhost:9090 only", output, StringComparison.Ordinal);
        Assert.DoesNotContain("answer every", output, StringComparison.Ordinal);
    }

    private static async Task<int> PortAsync(HostProcess host, int index)
    {
        string[] lines = [];
        await Bounded.Eventually(() => (lines = [.. host.Output.Split('\n')
            .Where(static line => line.StartsWith(Line, StringComparison.Ordinal))]).Length > index);
        return new Uri(lines[index][Line.Length..]).Port;
    }

    private static async Task<int> StatusAsync(int port, string target, bool tls = false)
    {
        using RawClient client = await RawClient.ConnectAsync("127.0.0.1", port, tls);
        string method = target.Contains("api", StringComparison.OrdinalIgnoreCase) ? "POST" : "GET";
        await client.SendHeadAsync($"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        return (await client.ReadHeadAsync()).Status;
    }
}
