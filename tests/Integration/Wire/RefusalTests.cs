using System.Text;
using Weir.Integration.Servers;
using Weir.Testing;
using Xunit;

namespace Weir.Integration.Wire;

/// <summary>A refused handshake is a whole HTTP response, and then the connection ends in order.</summary>
public sealed class RefusalTests(EmbeddedApplication application)
{
    private const string Key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    private const string Version = "Sec-WebSocket-Version: 13\r\n";
    private const string Upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n";

    private readonly TestServer _server = application.Server;

    public static TheoryData<string, string, int> Handshakes => new()
    {
        { "no key", $"GET /echo HTTP/1.1\r\nHost: localhost\r\n{Upgrade}{Version}\r\n", 400 },
        { "short key", $"GET /echo HTTP/1.1\r\nHost: localhost\r\n{Upgrade}Sec-WebSocket-Key: c2hvcnQ=\r\n{Version}\r\n", 400 },
        { "other version", $"GET /echo HTTP/1.1\r\nHost: localhost\r\n{Upgrade}{Key}Sec-WebSocket-Version: 8\r\n\r\n", 426 },
        { "no version", $"GET /echo HTTP/1.1\r\nHost: localhost\r\n{Upgrade}{Key}\r\n", 426 },
        { "no Connection", $"GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n{Key}{Version}\r\n", 400 },
        { "no Host", $"GET /echo HTTP/1.1\r\n{Upgrade}{Key}{Version}\r\n", 400 },
        { "HTTP/1.0", $"GET /echo HTTP/1.0\r\nHost: localhost\r\n{Upgrade}{Key}{Version}\r\n", 400 },
        { "body", $"GET /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n{Upgrade}{Key}{Version}\r\nhello", 400 },
        { "foreign Origin", $"GET /echo HTTP/1.1\r\nHost: localhost\r\nOrigin: https://elsewhere.example\r\n{Upgrade}{Key}{Version}\r\n",
            403 },
        { "no room", $"GET /relay HTTP/1.1\r\nHost: localhost\r\n{Upgrade}{Key}{Version}\r\n", 400 },
        { "large head", $"GET /echo HTTP/1.1\r\nHost: localhost\r\n{Upgrade}{Key}{Version}X: {new string('x', 17_000)}\r\n\r\n", 431 },
    };

    [Theory]
    [MemberData(nameof(Handshakes))]
    public async Task Handshake_ThatIsRefused_IsAnsweredWholeAndEndedInOrder(string what, string head, int status)
    {
        foreach (bool tls in (bool[])[false, true])
        {
            using RawClient client = await _server.ConnectAsync(tls);

            await client.SendHeadAsync(head);

            RawResponse response = await client.ReadHeadAsync();
            Assert.True(status == response.Status, $"{what}: {response.Head}");
            Assert.Contains("close", Assert.Single(response.Header("Connection")), StringComparison.Ordinal);
            Assert.EndsWith("\n", await HttpBody.ReadAsync(client, response), StringComparison.Ordinal);
            Assert.Equal(TcpEnd.Fin, await client.ReadEndAsync());
        }
    }

    [Fact]
    public async Task FramesPipelinedBehindARefusedHead_DoNotDestroyTheAnswer()
    {
        // Bytes left unread in a closed socket turn its end into a reset, which may overtake the answer.
        using RawClient client = await _server.ConnectAsync();
        byte[] head = Encoding.ASCII.GetBytes($"GET /relay HTTP/1.1\r\nHost: localhost\r\n{Upgrade}{Key}{Version}\r\n");

        await client.SendRawAsync((byte[])[.. head, .. Frames.Binary(new byte[100_000])]);

        RawResponse response = await client.ReadHeadAsync();
        Assert.Equal(400, response.Status);
        Assert.NotEmpty(await HttpBody.ReadAsync(client, response));
        Assert.Equal(TcpEnd.Fin, await client.ReadEndAsync());
    }

    [Fact]
    public async Task HeadWithoutEnd_IsRefusedAtItsLimitAndItsSenderGetsToReadWhy()
    {
        using RawClient client = await _server.ConnectAsync();
        await client.SendHeadAsync($"GET /echo HTTP/1.1\r\nHost: localhost\r\n{Upgrade}");

        for (int i = 0; i < 100; i++)
        {
            await client.SendHeadAsync($"X-{i}: {new string('x', 1000)}\r\n");
        }

        Assert.Equal(431, (await client.ReadHeadAsync()).Status);
    }

    [Fact]
    public async Task FirstFrame_PipelinedWithTheHead_IsEchoed()
    {
        using RawClient client = await _server.ConnectAsync();
        byte[] head = Encoding.ASCII.GetBytes($"GET /echo HTTP/1.1\r\nHost: localhost\r\n{Upgrade}{Key}{Version}\r\n");

        await client.SendRawAsync((byte[])[.. head, .. Frames.Text("early"), .. Frames.Text("bird"), .. Frames.Close(1000)]);

        Assert.Equal(101, (await client.ReadHeadAsync()).Status);
        IReadOnlyList<ServerFrame> frames = await client.ReadUntilCloseAsync();
        Assert.Equal(["early", "bird"], frames.SkipLast(1).Select(static frame => frame.Text));
        Assert.Equal(1000, frames[^1].CloseCode);
        Assert.Equal(TcpEnd.Fin, await client.ReadEndAsync());
    }
}
