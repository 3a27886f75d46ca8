using System.Text.Json;
using Weir.Integration.Auth;
using Weir.Integration.Servers;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Hosting;

/// <summary>
/// The command <c>check</c> of the real process: each danger is named with its setting, and the exit code is that of the worst.
/// </summary>
public sealed class CheckTests
{
    private const string WithSecret = "--Weir:Auth:Jwt:Secret=" + Tokens.Secret;

    private static readonly string[] _public = ["check", "--json", "--urls", "http://*:80;https://*:443"];

    [Theory]
    [InlineData("danger", "access", "no setting below Weir:Auth")]
    [InlineData("danger", "traffic", "Traffic is plain text on http://*:80: use TLS", "--Weir:Echo:Enabled=false")]
    [InlineData(
        "danger", "memory", "Weir:Broker:MemoryMegabytes is 0",
        "--Weir:Broker:MemoryMegabytes=0", "--Weir:Rooms:0:Pattern=a", "--Weir:Rooms:0:HistorySize=1")]
    [InlineData("danger", "tokens", "browsers send the cookie 'c'", "--Weir:Auth:Cookie=c", "--Weir:Origins=*", WithSecret)]
    [InlineData("danger", "endpoints", "Weir:Api:Key has 3 characters", "--Weir:Api:Key=abc")]
    [InlineData("danger", "addresses", "0.0.0.0/0", "--Weir:TrustedProxies=0.0.0.0/0")]
    [InlineData("warning", "endpoints", "The holder of Weir:Api:Key can publish to every room", "--Weir:Api:Key=0123456789abcdef")]
    [InlineData(
        "warning", "endpoints", "Weir:Api:Keys:0 (a) can publish to every room",
        "--Weir:Api:Keys:0:Name=a", "--Weir:Api:Keys:0:Key=0123456789abcdef", "--Weir:Api:Keys:0:Rights=*")]
    [InlineData("warning", "endpoints", "/echo answers", "--Weir:Echo:Enabled=true")]
    [InlineData(
        "warning", "memory", "HistoryTtl is 0", "--Weir:Rooms:0:Pattern=a", "--Weir:Rooms:0:HistorySize=1", "--Weir:Rooms:0:HistoryTtl=0")]
    [InlineData("warning", "memory", "Weir:Redis:MetaTtl is 0", "--Weir:Broker:Kind=Redis", "--Weir:Redis:MetaTtl=0")]
    [InlineData(
        "warning", "memory", "324 KB for each connection", "--Weir:Deflate:Enabled=true", "--Weir:Deflate:ServerContextTakeover=true")]
    [InlineData("warning", "memory", "Weir:Pressure:NodeMegabytes is 0")]
    [InlineData("warning", "memory", "Weir:Pressure:MaxDelay is 0", "--Weir:Pressure:MaxDelay=0")]
    [InlineData("warning", "heartbeat", "Weir:Heartbeat:Interval is 0", "--Weir:Heartbeat:Interval=0")]
    [InlineData("warning", "limits", "Weir:Limits:RoomNameBytes is 0", "--Weir:Limits:RoomNameBytes=0")]
    [InlineData("warning", "limits", "Weir:Limits:RoomsPerConnection is 0", "--Weir:Limits:RoomsPerConnection=0")]
    [InlineData("warning", "limits", "Weir:Limits:MaxConnections is 0")]
    [InlineData("warning", "limits", "Weir:Limits:MaxConnectionsPerAddress is 0")]
    [InlineData("warning", "limits", "Weir:Limits:HandshakesPerSecond is 0")]
    [InlineData("warning", "limits", "Weir:Limits:MessagesPerSecond and BytesPerSecond are 0")]
    [InlineData("warning", "origins", "Weir:Origins is *", "--Weir:Origins=*")]
    [InlineData("warning", "monitoring", "/metrics and /health answer every client")]
    public async Task LooseSetting_OnPublicPorts_IsNamedWithItsSeverity(string severity, string area, string text, params string[] settings)
    {
        (int exitCode, string output, _) = await HostProcess.RunAsync([.. _public, .. settings]);

        Assert.Equal(3, exitCode); // traffic is plain text in each case
        AssertFound(output, severity, area, text);
    }

    [Fact]
    public async Task KestrelsEndpoints_AreCheckedToo()
    {
        (int exitCode, string output, _) = await HostProcess.RunAsync(["check", "--json", "--Kestrel:Endpoints:A:Url=http://0.0.0.0:8080"]);

        Assert.Equal(3, exitCode);
        AssertFound(output, "danger", "traffic", "http://0.0.0.0:8080");
    }

    [Fact]
    public async Task TightSettings_ExitWith2OnlyForWhatTheMachineLacks()
    {
        (int exitCode, string output, string errors) = await HostProcess.RunAsync(
        [
            "check", "--json", "--urls", "http://*:80", "--Weir:TrustedProxies=10.0.0.1/32", WithSecret, "--Weir:Limits:MaxConnections=100",
            "--Weir:Limits:MaxConnectionsPerAddress=10", "--Weir:Limits:HandshakesPerSecond=100", "--Weir:Limits:MessagesPerSecond=10",
            "--Weir:Pressure:NodeMegabytes=100", "--Weir:Heartbeat:Interval=30s",
        ]);

        Assert.Equal("", errors);
        using JsonDocument report = JsonDocument.Parse(output);
        JsonElement[] above =
        [
            .. report.RootElement.GetProperty("findings").EnumerateArray().Where(static finding
                => finding.GetProperty("severity").GetString() != "note" && finding.GetProperty("area").GetString() != "machine"),
        ];
        Assert.Equal("/metrics and /health answer every client, on every port: set Weir:Management:Urls, or hide them in a proxy",
            Assert.Single(above).GetProperty("text").GetString());
        Assert.Equal(2, exitCode);
        Assert.Equal("warning", report.RootElement.GetProperty("severity").GetString());
    }

    [Fact]
    public async Task Json_OfAnInvalidConfiguration_HasTheErrors()
    {
        (int exitCode, string output, string errors) = await HostProcess.RunAsync(["check", "--json", "--Weir:Deflate:Level=10", "--Weir:Typo=1"]);

        Assert.Equal((1, ""), (exitCode, errors));
        using JsonDocument report = JsonDocument.Parse(output);
        Assert.False(report.RootElement.GetProperty("valid").GetBoolean());
        Assert.Equal(
            ["Weir:Deflate:Level is '10'", "Weir:Typo is not a setting"],
            report.RootElement.GetProperty("errors").EnumerateArray().Select(static error => error.GetString()!.Split(';')[0]));
    }

    [Theory]
    [InlineData("2000", "danger", "2000 connections need 2220 descriptors, and the limit is 1000")]
    [InlineData("700", null, "1000 descriptors are enough for 700 connections")]
    [InlineData(null, "note", "The limit of 1000 descriptors permits 780 connections")]
    public async Task Connections_AreComparedWithTheLimitOfDescriptors(string? connections, string? severity, string text)
    {
        string command = $"ulimit -n 1000 && exec dotnet '{Repository.HostAssembly}' check --json"
            + (connections is null ? "" : $" --connections {connections}");
        await using ChildProcess check = ChildProcess.Start("bash", ["-c", command], Repository.Root);

        int exitCode = await check.ExitCodeAsync().Within();

        Assert.Equal(severity == "danger", exitCode == 3);
        AssertFound(check.Output, severity, "machine", text);
    }

    // The runtime takes its limit as the machine's memory, like that of a container.
    [Theory]
    [InlineData("20000", "", "danger", "20000 connections need 207 MB while they are idle and at most 207 MB", "and there are 201 MB")]
    [InlineData("10000", "--Weir:Deflate:Enabled=true", "warning", "154 MB while they are idle and at most 834 MB", "and there are 201 MB")]
    public async Task Connections_AreComparedWithTheMemory(string connections, string setting, string severity, params string[] texts)
    {
        (_, string output, _) = await HostProcess.RunAsync(
            ["check", "--json", "--connections", connections, "--Weir:Broker:MemoryMegabytes=0", "--Weir:Transport=Epoll",
                .. setting.Split(' ', StringSplitOptions.RemoveEmptyEntries)],
            ("DOTNET_GCHeapHardLimit", "C000000"));

        Assert.All(texts, text => AssertFound(output, severity, "machine", text));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("many")]
    [InlineData("-1")]
    public async Task Connections_ThatAreNoNumber_AreRefused(string connections)
    {
        (int exitCode, _, string errors) = await HostProcess.RunAsync(["check", $"--connections={connections}"]);

        Assert.Equal(1, exitCode);
        Assert.Contains($"--connections: '{connections}' is not a whole number above 0.", errors, StringComparison.Ordinal);
    }

    /// <param name="output">The object.</param>
    /// <param name="severity">null: it is among those that are closed.</param>
    /// <param name="area">Its area.</param>
    /// <param name="text">Part of its line.</param>
    private static void AssertFound(string output, string? severity, string area, string text)
    {
        using JsonDocument report = JsonDocument.Parse(output);
        JsonElement found = Assert.Single(
            report.RootElement.GetProperty(severity is null ? "closed" : "findings").EnumerateArray(),
            finding => finding.GetProperty("text").GetString()!.Contains(text, StringComparison.Ordinal));
        Assert.Equal(area, found.GetProperty("area").GetString());
        Assert.Equal(severity, found.TryGetProperty("severity", out JsonElement named) ? named.GetString() : null);
    }
}
