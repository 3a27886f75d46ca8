using System.Net.Sockets;
using System.Text;
using Weir.Integration.Hosting;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Wire;

/// <summary>A Host on a Unix socket, behind a proxy that names the client's address: limits per address hold there too.</summary>
public sealed class UnixSocketTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("weir-unix-").FullName;

    private string SocketPath => Path.Combine(_directory, "weir.sock");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task ForwardedAddress_OnAUnixSocketThatIsTrusted_IsCountedForWebSocketsAndStreams()
    {
        await using HostProcess host = await StartAsync(("Weir__TrustedProxies", "unix"));
        string forwarded = "X-Forwarded-For: 203.0.113.7\r\n";

        using Socket first = await AskAsync(Heads.Upgrade("/ws?room=a", forwarded), "HTTP/1.1 101 ");
        using Socket socket = await AskAsync(Heads.Upgrade("/ws?room=a", forwarded), "HTTP/1.1 429 ");
        using Socket stream = await AskAsync($"GET /sse?room=a HTTP/1.1\r\nHost: localhost\r\n{forwarded}\r\n", "HTTP/1.1 429 ");
        using Socket other = await AskAsync(Heads.Upgrade("/ws?room=a", "X-Forwarded-For: 203.0.113.8\r\n"), "HTTP/1.1 101 ");
    }

    [Fact]
    public async Task ForwardedAddress_OnAUnixSocketThatIsNotTrusted_IsNotBelieved()
    {
        await using HostProcess host = await StartAsync(("Weir__TrustedProxies", "0.0.0.0/0"));
        for (int i = 0; i < 2; i++)
        {
            using Socket client = await AskAsync(Heads.Upgrade("/ws?room=a", "X-Forwarded-For: 203.0.113.7\r\n"), "HTTP/1.1 101 ");
        }
    }

    [Fact]
    public async Task ProxyHeader_OnAUnixSocketThatIsTrusted_NamesTheClient()
    {
        await using HostProcess host = await StartAsync(("Weir__ProxyProtocol", "unix"));
        string line = "PROXY TCP4 203.0.113.7 10.0.0.1 5000 80\r\n";

        using Socket first = await AskAsync(line + Heads.Upgrade("/ws?room=a"), "HTTP/1.1 101 ");
        using Socket socket = await AskAsync(line + Heads.Upgrade("/ws?room=a"), "HTTP/1.1 429 ");
        using Socket stream = await AskAsync($"{line}GET /sse?room=a HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 429 ");
        using Socket other = await AskAsync(
            line.Replace(".7", ".8", StringComparison.Ordinal) + Heads.Upgrade("/ws?room=a"), "HTTP/1.1 101 ");
    }

    [Theory]
    [InlineData("", "Warning", "no limit per address applies")]
    [InlineData("unix", "Closed", "the address that its proxy names")]
    public async Task Check_OfAUnixSocket_ReportsWhetherLimitsPerAddressHold(string trusted, string part, string expected)
    {
        (int exitCode, string output, _) = await HostProcess.RunAsync(
            ["check", "--urls", "http://unix:" + SocketPath, "--Weir:TrustedProxies=" + trusted]);

        Assert.NotEqual(1, exitCode); // the settings are valid; other findings are not of interest here
        int from = output.IndexOf($"{part}:", StringComparison.Ordinal);
        int to = part == "Warning" ? output.IndexOf("Closed:", StringComparison.Ordinal) : output.Length;
        Assert.Contains(expected, output[from..to], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Epoll")]
    [InlineData("Sockets")]
    public async Task SocketFile_OfAHostThatWasKilled_IsReplaced(string transport)
    {
        string[] arguments = ["--urls", "http://unix:" + SocketPath];
        await using (HostProcess killed = await HostProcess.StartWithAsync(arguments, ("Weir__Transport", transport)))
        {
            killed.Kill();
            await killed.ExitAsync();
        }

        Assert.True(File.Exists(SocketPath));
        await using HostProcess host = await HostProcess.StartWithAsync(arguments, ("Weir__Transport", transport));

        using Socket client = await AskAsync(Heads.Upgrade("/ws?room=a"), "HTTP/1.1 101 ");
    }

    [Theory]
    [InlineData("Epoll")]
    [InlineData("Sockets")]
    public async Task SocketFile_OfAHostThatRuns_EndsTheStartAndIsLeftAlone(string transport)
    {
        string[] arguments = ["--urls", "http://unix:" + SocketPath];
        await using HostProcess host = await HostProcess.StartWithAsync(arguments, ("Weir__Transport", transport));

        (int exitCode, _, string errors) = await HostProcess.RunAsync(arguments, ("Weir__Transport", transport));

        Assert.Equal(1, exitCode);
        Assert.Contains($"Another process listens on the Unix socket '{SocketPath}'", errors, StringComparison.Ordinal);
        using Socket client = await AskAsync(Heads.Upgrade("/ws?room=a"), "HTTP/1.1 101 ");
    }

    [Theory]
    [InlineData("Epoll")]
    [InlineData("Sockets")]
    public async Task SocketFile_ThatIsNoSocket_EndsTheStartAndIsLeftAlone(string transport)
    {
        await File.WriteAllTextAsync(SocketPath, "kept");

        (int exitCode, _, string errors) =
            await HostProcess.RunAsync(["--urls", "http://unix:" + SocketPath], ("Weir__Transport", transport));

        Assert.Equal(1, exitCode);
        Assert.Contains($"'{SocketPath}' exists and is no socket", errors, StringComparison.Ordinal);
        Assert.Equal("kept", await File.ReadAllTextAsync(SocketPath));
    }

    [Fact]
    public async Task SocketPath_ThatIsTooLong_EndsTheStartWithAMessage()
    {
        (int exitCode, string output, string errors) =
            await HostProcess.RunAsync(["--urls", $"http://unix:{SocketPath}{new string('x', 120)}"]);

        Assert.Equal(1, exitCode);
        Assert.Contains("too long for a Unix socket", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("Unhandled exception", output + errors, StringComparison.Ordinal);
    }

    private Task<HostProcess> StartAsync((string, string) trust) => HostProcess.StartWithAsync(
        ["--urls", "http://unix:" + SocketPath], trust, ("Weir__Limits__MaxConnectionsPerAddress", "1"));

    private async Task<Socket> AskAsync(string head, string statusLine)
    {
        Socket client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath)).Within();
        await client.SendAsync(Encoding.ASCII.GetBytes(head)).Within();
        byte[] answer = new byte[statusLine.Length];
        for (int got = 0; got < answer.Length;)
        {
            int bytes = await client.ReceiveAsync(answer.AsMemory(got)).AsTask().Within();
            got += bytes > 0 ? bytes : throw new EndOfStreamException("The Host ended the connection without an answer.");
        }

        Assert.Equal(statusLine, Encoding.ASCII.GetString(answer));
        return client;
    }
}
