using System.Net;
using System.Net.Sockets;
using Weir.Testing;
using Weir.TestSupport;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Hosting;

/// <summary>The ways to name ports and certificates, and the errors for invalid ones.</summary>
public sealed class PortsTests : IDisposable
{
    private const string Password = "for the test";

    private readonly string _pfx = Path.Combine(Path.GetTempPath(), $"weir-{Guid.NewGuid():N}.pfx");

    public PortsTests() => TestCertificate.WriteTo(_pfx, Password);

    public void Dispose() => File.Delete(_pfx);

    [Theory]
    [InlineData("--urls", "http://127.0.0.1:0")]
    [InlineData("--Kestrel:Endpoints:Main:Url", "http://127.0.0.1:0")]
    [InlineData("--http_ports", "0")]
    public async Task Start_LogsItsAddressesWithoutAWarning(string name, string value)
    {
        await using HostProcess host = await HostProcess.StartWithAsync([name, value]);
        using RawClient client = await host.OpenAsync("/ws?room=up");

        host.Terminate();
        Assert.Equal(1001, (await client.ReadFrameAsync()).CloseCode);
        await client.SendCloseAsync(1001);
        Assert.Equal(0, await host.ExitAsync());

        Assert.StartsWith("Weir is up. Point a browser at http://", host.Output, StringComparison.Ordinal);
        Assert.Empty(host.Warnings);
        Assert.Empty(host.Errors);
    }

    [Fact]
    public async Task SeveralUrls_AreAllServed()
    {
        await using HostProcess host = await HostProcess.StartWithAsync(
            ["--urls", "http://127.0.0.1:0;https://127.0.0.1:0"],
            ("Kestrel__Certificates__Default__Path", _pfx), ("Kestrel__Certificates__Default__Password", Password));
        await Bounded.Eventually(() => host.Addresses.Count == 2);
        Uri[] addresses = [.. host.Addresses];
        Assert.Equal(["http", "https"], addresses.Select(static address => address.Scheme));

        using RawClient plain = await RawClient.ConnectAsync("127.0.0.1", addresses[0].Port);
        using RawClient secure = await RawClient.ConnectAsync("127.0.0.1", addresses[1].Port, tls: true);
        await plain.HandshakeAsync("/ws?room=urls");
        await secure.HandshakeAsync("/ws?room=urls");
        await plain.SettleAsync();
        await secure.SendTextAsync("over TLS");

        Assert.Equal("over TLS", (await plain.ReadFrameAsync()).Text);
        Assert.Empty(host.Warnings);
    }

    [Fact]
    public async Task HttpsEndpoint_InTheConfiguration_IsServed()
    {
        await using HostProcess host = await HostProcess.StartWithAsync(
            ["--Kestrel:Endpoints:Public:Url=https://127.0.0.1:0"],
            ("Kestrel__Endpoints__Public__Certificate__Path", _pfx), ("Kestrel__Endpoints__Public__Certificate__Password", Password));

        using RawClient client = await host.OpenAsync("/ws?room=tls", tls: true);
        using RawClient other = await host.OpenAsync("/ws?room=tls", tls: true);
        await client.SendTextAsync("secure");

        Assert.Equal("https", host.Addresses[0].Scheme);
        Assert.Equal("secure", (await other.ReadFrameAsync()).Text);
        Assert.Empty(host.Warnings);
    }

    [Fact]
    public async Task PortThatIsTaken_EndsTheStartWithAMessage()
    {
        using Socket holder = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        holder.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        holder.Listen();
        int port = ((IPEndPoint)holder.LocalEndPoint!).Port;

        (int exitCode, string output, string errors) = await HostProcess.RunAsync(["--urls", $"http://127.0.0.1:{port}"]);

        Assert.Equal(1, exitCode);
        Assert.Equal("", output); // no stack trace of the hosting layer
        Assert.Equal(
            $"Weir cannot start. Failed to bind to address http://127.0.0.1:{port}: address already in use.", errors.TrimEnd());
    }

    [Theory]
    [InlineData("nonsense", "urls has 'nonsense'")]
    [InlineData("https://127.0.0.1:0", "certificate")]
    public async Task UrlThatCannotBeServed_EndsTheStartWithAMessage(string url, string message)
    {
        (int exitCode, string output, string errors) = await HostProcess.RunAsync(["--urls", url], ("HOME", Path.GetTempPath()));

        Assert.Equal(1, exitCode);
        Assert.Contains(message, errors, StringComparison.Ordinal);
        Assert.DoesNotContain("Unhandled exception", output + errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("wrong password")]
    [InlineData(null)]
    public async Task CertificateThatCannotBeRead_EndsTheStartWithAMessage(string? password)
    {
        (int exitCode, string output, string errors) = await HostProcess.RunAsync(
            ["--urls", "https://127.0.0.1:0"],
            ("Kestrel__Certificates__Default__Path", password is null ? _pfx + ".missing" : _pfx),
            ("Kestrel__Certificates__Default__Password", password ?? Password));

        Assert.Equal(1, exitCode);
        Assert.Contains("Weir cannot start.", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("Unhandled exception", output + errors, StringComparison.Ordinal);
    }
}
