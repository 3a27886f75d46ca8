using Weir.Integration.Servers;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Hosting;

/// <summary>Settings from the environment and the command line, right and wrong.</summary>
public sealed class SettingsTests
{
    [Theory]
    [InlineData("Weir__Limits__MaxMessageBytes", "0", "Weir:Limits:MaxMessageBytes is '0'", "from 1 to 1073741824")]
    [InlineData("Weir__Limits__MaxHeadBytes", "many", "Weir:Limits:MaxHeadBytes is 'many'", "from 256 to 1048576")]
    [InlineData("Weir__Deflate__Level", "10", "Weir:Deflate:Level is '10'", "from 1 to 9")]
    [InlineData("Weir__Echo__Enabled", "yes", "Weir:Echo:Enabled is 'yes'", "true or false")]
    [InlineData("Weir__Limits__HandshakeTimeout", "5 days", "Weir:Limits:HandshakeTimeout is '5 days'", "from 100ms to 10m")]
    [InlineData("Weir__Limits__HandshakeTimeout", "1ms", "Weir:Limits:HandshakeTimeout is '1ms'", "from 100ms to 10m")]
    [InlineData("Weir__Limits__MaxMesageBytes", "1000", "Weir:Limits:MaxMesageBytes is not a setting", "Weir:Limits:MaxMessageBytes")]
    [InlineData("Weir__Origins", "https://*ample.com", "Weir:Origins is 'https://*ample.com'", "https://*.example.com")]
    public async Task BadValue_InTheEnvironment_EndsTheStartWithTheAllowedValues(string name, string value, string was, string allowed)
    {
        (int exitCode, string output, string errors) = await HostProcess.RunAsync(["--urls", "http://127.0.0.1:0"], (name, value));

        Assert.Equal(1, exitCode);
        Assert.Contains(was, errors, StringComparison.Ordinal);
        Assert.Contains(allowed, errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output + errors, StringComparison.Ordinal); // a message, not a stack trace
        Assert.DoesNotContain("Weir is up", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Wier__Echo__Enabled", "Wier:Echo:Enabled is not a setting; the nearest is Weir:Echo:Enabled.")]
    [InlineData(
        "Weir_Echo__Enabled", "Weir_Echo:Enabled is not a setting; the nearest is Weir:Echo:Enabled, in the environment Weir__Echo__Enabled.")]
    [InlineData("WEIR_ECHO_ENABLED", "WEIR_ECHO_ENABLED is not a setting; the nearest is Weir:Echo:Enabled")]
    [InlineData("Weir__Ehco__Enabled", "Weir:Ehco:Enabled is not a setting; the nearest is Weir:Echo:Enabled.")]
    [InlineData("Weir__Rooms__0__HistorySiz", "Weir:Rooms:0:HistorySiz is not a setting; the nearest is Weir:Rooms:<n>:HistorySize.")]
    [InlineData("Weir__MaxConnections", "Weir:MaxConnections is not a setting; the nearest is Weir:Limits:MaxConnections.")]
    [InlineData("Weir__Echo", "Weir:Echo is not a setting; those of the section are Weir:Echo:Enabled.")]
    [InlineData("Weir__Echo__On", "Weir:Echo:On is not a setting; those of the section are Weir:Echo:Enabled.")]
    [InlineData("Weir__Nothing__Here", "Weir:Nothing:Here is not a setting; the sections are Weir:Limits, ")]
    public async Task MisspeltKey_EndsTheStartAndNamesTheNearest(string name, string message)
    {
        (int exitCode, string output, string errors) =
            await HostProcess.RunAsync(["--urls", "http://127.0.0.1:0", "--Weir:Rooms:0:Pattern=*"], (name, "1"));

        Assert.Equal(1, exitCode);
        Assert.Contains(message, errors, StringComparison.Ordinal);
        Assert.DoesNotContain("Weir is up", output, StringComparison.Ordinal);
    }

    // Sections of .NET, of an application that shares the file, and what Kubernetes sets for a service of the name weir.
    [Fact]
    public async Task KeysOfOthers_AreNoSettings()
    {
        await using HostProcess host = await HostProcess.StartAsync(
            ("Kestrel__Limits__MaxConcurrentConnections", "100"), ("Logging__LogLevel__Weir", "Debug"), ("AllowedHosts", "*"),
            ("ConnectionStrings__Weir", "x"), ("Serilog__MinimumLevel", "Debug"), ("WEB__PORT", "1"), ("WEIR_PORT", "tcp://10.0.0.1:80"),
            ("WEIR_SERVICE_HOST", "10.0.0.1"), ("WEIR_PORT_80_TCP_ADDR", "10.0.0.1"));

        Assert.Equal(200, await host.StatusOfAsync("/health/live"));
    }

    [Fact]
    public async Task SeveralBadValues_AreAllReported()
    {
        (int exitCode, _, string errors) = await HostProcess.RunAsync(
            ["--Weir:Deflate:Enabled=maybe", "--Weir:Limits:MaxHeadBytes=1"], ("Weir__Typo", "1"));

        Assert.Equal(1, exitCode);
        Assert.Contains("Weir:Deflate:Enabled", errors, StringComparison.Ordinal);
        Assert.Contains("Weir:Limits:MaxHeadBytes", errors, StringComparison.Ordinal);
        Assert.Contains("Weir:Typo", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GoodValues_InTheEnvironment_TakeEffect()
    {
        await using HostProcess host = await HostProcess.StartAsync(
            ("Weir__Echo__Enabled", "true"),
            ("Weir__Limits__MaxMessageBytes", "1000"),
            ("Weir__Limits__HandshakeTimeout", "3s"),
            ("Weir__Deflate__Enabled", "True"));
        using RawClient silent = await host.ConnectAsync();
        using RawClient client = await host.ConnectAsync();

        RawResponse response = await client.HandshakeAsync("/echo", "Sec-WebSocket-Extensions: permessage-deflate\r\n");
        await client.SendTextAsync("echo");
        ServerFrame echo = await client.ReadFrameAsync();
        await client.SendFrameAsync(0x2, new byte[1001]);

        Assert.StartsWith("permessage-deflate", Assert.Single(response.Header("Sec-WebSocket-Extensions")), StringComparison.Ordinal);
        Assert.Equal("echo", echo.Text);
        Assert.Equal(1009, (await client.ReadFrameAsync()).CloseCode);
        Assert.Equal(0, (await silent.DrainAsync()).Bytes); // the default of 10 s is as long as this wait
    }

    [Fact]
    public async Task Origins_ByDefault_AreTheOwnHostOnly()
    {
        await using HostProcess host = await HostProcess.StartAsync();

        Assert.Equal(101, await StatusAsync(host, $"http://127.0.0.1:{host.Port}"));
        Assert.Equal(101, await StatusAsync(host, origin: null));
        Assert.Equal(403, await StatusAsync(host, $"http://127.0.0.1:{host.Port + 1}"));
        Assert.Equal(403, await StatusAsync(host, "https://app.example.com"));
        Assert.Equal(403, await StatusAsync(host, "null"));
    }

    [Theory]
    [InlineData("Weir__Origins", "https://*.example.com, http://localhost:3000")]
    [InlineData("Weir__Origins__0", "https://*.example.com|http://localhost:3000")]
    public async Task Origins_AsGlobs_WelcomeThosePages(string name, string value)
    {
        (string, string)[] environment = name.EndsWith('0')
            ? [(name, value.Split('|')[0]), (name[..^1] + "1", value.Split('|')[1])]
            : [(name, value)];
        await using HostProcess host = await HostProcess.StartAsync(environment);

        Assert.Equal(101, await StatusAsync(host, "https://app.example.com"));
        Assert.Equal(101, await StatusAsync(host, "http://localhost:3000"));
        Assert.Equal(403, await StatusAsync(host, "http://app.example.com"));
        Assert.Equal(403, await StatusAsync(host, "https://app.example.com.evil.net"));
        Assert.Equal(403, await StatusAsync(host, "http://localhost:3001"));
    }

    private static async Task<int> StatusAsync(HostProcess host, string? origin)
    {
        using RawClient client = await host.ConnectAsync();
        await client.SendHeadAsync(Heads.Upgrade(
            "/ws?room=origins", origin is null ? "" : $"Origin: {origin}\r\n", $"127.0.0.1:{host.Port}"));
        RawResponse response = await client.ReadHeadAsync();
        if (response.Status != 101)
        {
            Assert.Contains("Origin", await HttpBody.ReadAsync(client, response), StringComparison.Ordinal);
        }

        return response.Status;
    }
}
