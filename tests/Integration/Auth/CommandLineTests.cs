using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Auth;

/// <summary>The commands of the Host besides running.</summary>
public sealed class CommandLineTests
{
    private const string WithSecret = "--Weir:Auth:Jwt:Secret=" + Tokens.Secret;

    [Fact]
    public async Task Token_IsOneThatTheServerTakes()
    {
        string[] settings = [WithSecret, "--Weir:Auth:Jwt:Issuer=me", "--Weir:Auth:Jwt:Audience=weir", "--Weir:Auth:Jwt:Algorithms=HS256",
            "--Weir:Rooms:0:Pattern=own:*", "--Weir:Rooms:0:Access=Private"];
        string connect = await TokenAsync([.. settings, "--sub", "u1", "--room", "chat:*", "--room", "news", "--publish", "chat:*",
            "--info", "{\"a\":1}", "--for", "10m"]);
        string forRoom = await TokenAsync([.. settings, "--sub", "u1", "--channel", "own:u1"]);
        string withoutRights = await TokenAsync([.. settings]);
        string expired = await TokenAsync([.. settings, "--sub", "u1", "--room", "*", "--for", "0s", "--Weir:Auth:Jwt:ClockSkew=0"]);
        await using HostProcess host =
            await HostProcess.StartWithAsync(["--urls", "http://127.0.0.1:0", .. settings, "--Weir:Auth:Jwt:ClockSkew=0"]);

        using RawClient granted =
            await host.OpenAsync($"/ws?room=chat:x&room=news&room=own:u1&token={connect}&room_token=&room_token=&room_token={forRoom}");
        Assert.Equal((4403, "forbidden"), await AuthHost.RefusedAsync(host, $"/ws?room=other&token={connect}"));
        Assert.Equal((4403, "forbidden"), await AuthHost.RefusedAsync(host, $"/ws?room=news&token={withoutRights}"));
        Assert.Equal((4401, "token expired"), await AuthHost.RefusedAsync(host, $"/ws?room=news&token={expired}"));
    }

    [Fact]
    public async Task Token_WithoutASecret_CannotBeMade()
    {
        (int exitCode, string output, string errors) = await HostProcess.RunAsync(["token", "--sub", "u1"]);

        Assert.Equal((1, ""), (exitCode, output));
        Assert.Contains("Weir:Auth:Jwt:Secret", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--subb is neither an option", "token", WithSecret, "--subb", "u1")]
    [InlineData("'1x' is not a time", "token", WithSecret, "--for", "1x")]
    [InlineData("'{x' is not JSON", "token", WithSecret, "--info", "{x")]
    [InlineData("Weir:Typo is not a setting", "check", "--Weir:Typo=1")]
    [InlineData("Weir:Auth:Jwt:Secret is '(not shown)'", "check", "--Weir:Auth:Jwt:Secret=short")]
    [InlineData("'chekc'", "chekc")]
    public async Task Mistake_IsNamed(string expected, params string[] arguments)
    {
        (int exitCode, _, string errors) = await HostProcess.RunAsync(arguments);

        Assert.Equal(1, exitCode);
        Assert.Contains(expected, errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_OfTheDefaults_ReportsThatAllIsOpen()
    {
        (int exitCode, string output, _) = await HostProcess.RunAsync(["check"], ("Weir__Heartbeat__Interval", "30s"));

        Assert.Equal(0, exitCode); // it listens on loopback only
        AssertReports(output, "Note", "no setting below Weir:Auth", "/metrics", "MaxConnections is 0", "MessagesPerSecond");
        AssertReports(output, "Closed", "/echo does not exist", "/api does not exist", "Pages of other hosts");
        Assert.DoesNotContain("plain text", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_ReportsWhatEachSettingOpens()
    {
        (int exitCode, string output, _) = await HostProcess.RunAsync(
        [
            "check", WithSecret, "--Weir:Auth:AllowAnonymous=true", "--Weir:Auth:Cookie=session",
            "--Weir:Auth:Jwt:Jwks=http://keys.invalid/",
            "--Weir:Rooms:0:Pattern=lobby:*", "--Weir:Rooms:0:Access=Open", "--Weir:Echo:Enabled=true", "--Weir:Api:Key=12345",
            "--Weir:Origins=*",
            "--Weir:TrustedProxies=0.0.0.0/0", "--urls", "http://*:80;https://*:443",
        ]);

        Assert.Equal(3, exitCode);
        AssertReports(output, "Danger", "5 characters", "the cookie 'session'", "Jwks is http", "0.0.0.0/0");
        AssertReports(output, "Warning", "/echo answers", "The holder of Weir:Api:Key can publish", "Weir:Origins is *", "Issuer is empty");
        AssertReports(
            output, "Note", "Weir:Auth:AllowAnonymous", "Rooms like lobby:* are open: every client may listen and publish",
            "plain text on http://*:80");
        AssertReports(output, "Closed", "Clients need a token");
        AssertReports(output, "Keys", "http://keys.invalid/: cannot be read now");
        Assert.DoesNotContain("12345", output, StringComparison.Ordinal);
        Assert.DoesNotContain(Tokens.Secret, output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--help", "token", "check", "Weir__Echo__Enabled")]
    [InlineData("token --help", "--sub", "--room", "--for", "--channel")]
    [InlineData("check -h", "--json", "--connections", "3: dangers")]
    public async Task Help_IsThere(string arguments, params string[] expected)
    {
        (int exitCode, string output, _) = await HostProcess.RunAsync(arguments.Split(' '));

        Assert.Equal(0, exitCode);
        Assert.All(expected, word => Assert.Contains(word, output, StringComparison.Ordinal));
    }

    // A setting's value may be any word, that of a command too.
    [Fact]
    public async Task NoCommand_IsTheServer_WithAnySettings()
    {
        await using HostProcess host = await HostProcess.StartWithAsync(["--Weir:Node:Name", "check", "--urls", "http://127.0.0.1:0"]);

        using RawClient client = await host.OpenAsync("/ws?room=r");
    }

    private static async Task<string> TokenAsync(string[] arguments)
    {
        (int exitCode, string output, string errors) = await HostProcess.RunAsync(["token", .. arguments]);
        Assert.True(exitCode == 0, errors);
        return output.Trim();
    }

    private static void AssertReports(string output, string section, params string[] words)
    {
        string[] lines = [.. output.ReplaceLineEndings("\n").Split('\n').SkipWhile(line => line != section + ":").Skip(1)
            .TakeWhile(static line => line.StartsWith("  - ", StringComparison.Ordinal))];
        Assert.All(words, word => Assert.Contains(lines, line => line.Contains(word, StringComparison.Ordinal)));
    }
}
