using System.Net;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Weir.Core.Tests.Handshake;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Proxy;

public class ProxyMiddlewareTests
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(5);

    // Looks like the beginning of another header, and is none.
    private static readonly byte[] _behind = [.. "PROXY behind"u8];

    public static TheoryData<byte[], string?, string?> Headers => new()
    {
        { ProxyHeaders.Text, "203.0.113.7:12345", "198.51.100.1:443" },
        { ProxyHeaders.BinaryIPv6, "[2001:db8::7]:12345", "[2001:db8:1::1]:443" },
        { ProxyHeaders.BinaryWithChecksum, "203.0.113.7:12345", "198.51.100.1:443" },
        { ProxyHeaders.Line("PROXY UNKNOWN\r\n"), null, null },
        { ProxyHeaders.Binary(0x20, 0x00, []), null, null },
    };

    [Theory]
    [MemberData(nameof(Headers))]
    public async Task OnConnection_Header_IsTakenOffAndItsAddressesHold(byte[] header, string? remote, string? local)
    {
        await using ProxyServer server = new();
        server.StartEcho();
        await server.SendAsync((byte[])[.. header, .. _behind]);

        Assert.Equal(_behind, await server.Connection.ClientEnd.Input.ReadBytesAsync(_behind.Length));
        Assert.Equal(EndPointOf(remote ?? "10.1.0.9:40000"), server.Passed?.Remote);
        Assert.Equal(local is null ? ProxyServer.Local : EndPointOf(local), server.Passed?.Local);
        Assert.Empty(server.Log.Records);
    }

    [Fact]
    public async Task OnConnection_HeaderSplitAnywhere_IsStrippedExactly()
    {
        byte[] bytes = [.. ProxyHeaders.BinaryWithChecksum, .. _behind];
        for (int cut = 1; cut < bytes.Length; cut++)
        {
            await using ProxyServer server = new();
            server.StartEcho();
            await server.SendAsync(bytes.AsMemory(0, cut));
            Assert.Equal(cut >= ProxyHeaders.BinaryWithChecksum.Length, server.Passed is not null);
            await server.SendAsync(bytes.AsMemory(cut));
            Assert.Equal(_behind, await server.Connection.ClientEnd.Input.ReadBytesAsync(_behind.Length));
        }
    }

    [Theory]
    [InlineData(16)] // blocks that a header straddles
    [InlineData(61)]
    [InlineData(4096)]
    public async Task OnConnection_HeaderByteByByte_IsTakenOffExactly(int blockSize)
    {
        foreach (byte[] header in (byte[][])[ProxyHeaders.Text, ProxyHeaders.BinaryIPv6])
        {
            await using ProxyServer server = new(blockSize: blockSize);
            server.StartEcho();
            for (int at = 0; at < header.Length; at++)
            {
                Assert.Null(server.Passed);
                await server.SendAsync(header.AsMemory(at, 1));
            }

            Assert.NotNull(server.Passed);
            await server.SendAsync(_behind);
            Assert.Equal(_behind, await server.Connection.ClientEnd.Input.ReadBytesAsync(_behind.Length));
        }
    }

    [Theory]
    [InlineData("10.1.1.1:1")]
    [InlineData("[2001:db8:11::1]:1")]
    [InlineData("[::ffff:10.1.1.1]:1")]
    [InlineData(null)] // no address: a Unix socket
    public async Task OnConnection_FromElsewhere_PassesUntouched(string? remote)
    {
        await using ProxyServer server = new(remote);
        server.StartEcho();
        Assert.NotNull(server.Passed); // not a byte was waited for
        await server.SendAsync(ProxyHeaders.Text);
        Assert.Equal(ProxyHeaders.Text, await server.Connection.ClientEnd.Input.ReadBytesAsync(ProxyHeaders.Text.Length));
        Assert.Equal(EndPointOf(remote), server.Passed?.Remote);
        Assert.Equal(ProxyServer.Local, server.Passed?.Local);
    }

    [Theory]
    [InlineData("10.1.0.255:1")]
    [InlineData("[2001:db8:10:1::1]:1")]
    [InlineData("[::ffff:10.1.0.9]:1")] // 10.1.0.9 in the form of a dual-stack socket
    public async Task OnConnection_FromATrustedNetwork_NeedsAHeader(string remote)
    {
        await using ProxyServer server = new(remote);
        server.StartEcho();
        await server.SendAsync(Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\n"));
        await server.AssertRefusedAsync("ProxyHeaderRefused", "proxy_header");
    }

    [Fact]
    public async Task OnConnection_IPv4InIPv6_IsInNoNetworkOfIPv6()
    {
        await using ProxyServer server = new("[::ffff:10.1.0.9]:1");
        server.StartEcho([IPNetwork.Parse("::/0")]);
        Assert.NotNull(server.Passed);
    }

    [Fact]
    public async Task UseProxyProtocol_NetworksChangedLater_CountsTheOldOnes()
    {
        List<IPNetwork> networks = [.. ProxyServer.Trusted];
        await using ProxyServer server = new();
        server.Builder.UseProxyProtocol(networks);
        networks.Clear();
        server.Start();
        await server.SendAsync(ProxyHeaders.Line("PROXY?"));
        await server.AssertRefusedAsync("ProxyHeaderRefused", "proxy_header");
    }

    [Fact]
    public async Task OnConnection_MalformedHeader_IsAbortedAndNothingOfItLogged()
    {
        await using ProxyServer server = new();
        server.StartEcho();
        await server.SendAsync(ProxyHeaders.Line("PROXY TCP4 secret 198.51.100.1 12345 443\r\n"));
        await server.AssertRefusedAsync("ProxyHeaderRefused", "proxy_header");
        Assert.DoesNotContain("secret", server.Log.Records[0].Message, StringComparison.Ordinal);
        Assert.Equal(server.Connection.ConnectionId, server.Log.Records[0].Values["ConnectionId"]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(27)] // all but the last byte
    public async Task OnConnection_HeaderNotWholeInTime_IsAborted(int sent)
    {
        await using ProxyServer server = new();
        server.StartEcho();
        if (sent > 0)
        {
            await server.SendAsync(ProxyHeaders.BinaryIPv4.AsMemory(0, sent));
        }

        server.Time.Pass(_timeout * 0.9);
        Assert.Empty(server.Connection.Aborts);
        server.Time.Pass(_timeout * 0.2);
        await server.AssertRefusedAsync("ProxyHeaderTimedOut", "proxy_header_timeout");
    }

    [Fact]
    public async Task OnConnection_TimeoutOfOnesOwn_Holds()
    {
        await using ProxyServer server = new();
        server.StartEcho(timeout: TimeSpan.FromMinutes(1));
        server.Time.Pass(TimeSpan.FromSeconds(50));
        Assert.Empty(server.Connection.Aborts);
        server.Time.Pass(TimeSpan.FromSeconds(20));
        await server.AssertRefusedAsync("ProxyHeaderTimedOut", "proxy_header_timeout");
    }

    [Fact]
    public async Task OnConnection_HeaderThatDrips_HasNoMoreTimeThanAnother()
    {
        await using ProxyServer server = new();
        server.StartEcho();
        for (int second = 0; second < 5; second++)
        {
            await server.SendAsync(ProxyHeaders.Text.AsMemory(second, 1));
            server.Time.Pass(TimeSpan.FromSeconds(1.1));
        }

        await server.AssertRefusedAsync("ProxyHeaderTimedOut", "proxy_header_timeout");
    }

    [Fact]
    public async Task OnConnection_HeaderThatArrivedDuringAPause_IsRead()
    {
        await using ProxyServer server = new();
        server.StartEcho();
        server.Time.Pass(_timeout * 0.99);
        server.Time.Advance(TimeSpan.FromHours(1));
        Assert.Empty(server.Connection.Aborts);

        await server.SendAsync(ProxyHeaders.Text);
        await server.SendAsync(_behind);

        Assert.Equal(_behind, await server.Connection.ClientEnd.Input.ReadBytesAsync(_behind.Length));
    }

    [Fact]
    public async Task OnConnection_HeaderInTime_LeavesNoDeadlineBehind()
    {
        await using ProxyServer server = new();
        server.StartEcho();
        server.Time.Advance(_timeout - TimeSpan.FromSeconds(1));
        await server.SendAsync(ProxyHeaders.Text);
        server.Time.Advance(TimeSpan.FromDays(1));
        await server.SendAsync(_behind);
        Assert.Equal(_behind, await server.Connection.ClientEnd.Input.ReadBytesAsync(_behind.Length));
        Assert.Empty(server.Connection.Aborts);
    }

    [Fact]
    public async Task OnConnection_ClosedWithinTheHeader_IsAborted()
    {
        await using ProxyServer server = new();
        server.StartEcho();
        await server.SendAsync(ProxyHeaders.Text.AsMemory(0, 20));
        await server.Connection.ClientEnd.Output.CompleteAsync();
        await server.AssertRefusedAsync("ProxyHeaderRefused", "proxy_header");
    }

    [Fact]
    public async Task OnConnection_ClosedBeforeItsFirstByte_IsReleased()
    {
        await using ProxyServer server = new();
        server.StartEcho();
        await server.Connection.ClientEnd.Output.CompleteAsync();
        await server.Done.Within();
        await AssertEndedByItselfAsync(server);
    }

    [Fact]
    public async Task OnConnection_ResetWithinTheHeader_IsReleased()
    {
        await using ProxyServer server = new();
        server.StartEcho();
        await server.SendAsync(ProxyHeaders.Text.AsMemory(0, 20));
        server.Connection.Reset();
        await AssertEndedByItselfAsync(server);
        Assert.IsType<ConnectionResetException>(server.Log.Records[0].Exception);
    }

    [Fact]
    public async Task OnConnection_WebSocketBehindTheHeader_SeesTheClientsAddress()
    {
        await using ProxyServer server = new(blockSize: 61);
        server.Builder
            .UseProxyProtocol(ProxyServer.Trusted)
            .UseWeir("/ws", (connection, message) =>
            {
                connection.Send($"{connection.RemoteEndPoint} to {connection.LocalEndPoint}");
                return ValueTask.CompletedTask;
            });
        server.Start();
        await server.SendAsync((byte[])[.. ProxyHeaders.Text, .. Encoding.ASCII.GetBytes(TestHead.Valid), .. Frames.Text("who?")]);

        string head = Encoding.ASCII.GetString(await server.Connection.ClientEnd.Input.ReadBytesAsync(12));
        Assert.Equal("HTTP/1.1 101", head);
        await SkipHeadAsync(server);
        ServerFrame frame = await server.Connection.ClientEnd.Input.ReadFrameAsync();
        Assert.Equal("203.0.113.7:12345 to 198.51.100.1:443", Encoding.UTF8.GetString(frame.Payload));
        await server.SendAsync(Frames.Close());
        Assert.True((await server.Connection.ClientEnd.Input.ReadFrameAsync()).IsClose);
        await server.Done.Within();
    }

    [Fact]
    public async Task OnConnection_ProxyBehindAProxy_BothHeadersAreTakenOff()
    {
        await using ProxyServer server = new();
        server.Builder.UseProxyProtocol([new IPNetwork(IPAddress.Parse("10.1.0.9"), 32)]);
        server.StartEcho();
        byte[] outer = ProxyHeaders.Line("PROXY TCP4 10.1.0.8 198.51.100.1 1 2\r\n");
        await server.SendAsync((byte[])[.. outer, .. ProxyHeaders.Text]);
        Assert.Equal(ProxyHeaders.Client, server.Passed?.Remote);
    }

    [Fact]
    public async Task UseProxyProtocol_InvalidArguments_Throw()
    {
        await using ProxyServer server = new();
        Assert.Equal("trustedNetworks", Assert.Throws<ArgumentException>(() => server.Builder.UseProxyProtocol([])).ParamName);
        Assert.Throws<ArgumentNullException>(() => server.Builder.UseProxyProtocol(null!));
        foreach (TimeSpan timeout in (TimeSpan[])[TimeSpan.Zero, Timeout.InfiniteTimeSpan, TimeSpan.FromDays(50)])
        {
            ArgumentOutOfRangeException error = Assert.Throws<ArgumentOutOfRangeException>(
                () => server.Builder.UseProxyProtocol(ProxyServer.Trusted, timeout));
            Assert.Equal("timeout", error.ParamName);
        }
    }

    private static async Task AssertEndedByItselfAsync(ProxyServer server)
    {
        await server.Done.Within();
        Assert.Null(server.Passed);
        Assert.Empty(server.Connection.Aborts);
        Assert.Equal(0, server.Metrics.Sum("weir.handshakes.refused"));
        Assert.Equal("TransportEnded", Assert.Single(server.Log.Records).EventId.Name);
    }

    private static async Task SkipHeadAsync(ProxyServer server)
    {
        string end = "";
        while (!end.EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            end += (char)(await server.Connection.ClientEnd.Input.ReadBytesAsync(1))[0];
        }
    }

    private static IPEndPoint? EndPointOf(string? text) => text is null ? null : IPEndPoint.Parse(text);
}
