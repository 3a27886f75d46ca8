using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Core.Tests.Testing;

// The only tests here with sockets: the client cannot be tested without them.
public sealed class RawClientTests : IDisposable
{
    private static readonly TimeSpan _short = TimeSpan.FromMilliseconds(50);

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public RawClientTests() => _listener.Start();

    private int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public void Dispose() => _listener.Dispose();

    [Fact]
    public async Task Handshake_ExampleOfTheRfc_IsAccepted()
    {
        Assert.Equal("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", RawClient.AcceptFor("dGhlIHNhbXBsZSBub25jZQ=="));
        (RawClient client, Socket server) = await ConnectAsync();
        using RawClient _ = client;
        using Socket __ = server;

        Task<RawResponse> handshake = client.HandshakeAsync("/chat", "X-Y: z\r\n");
        string request = await ReceiveHeadAsync(server);
        string key = new RawResponse("- 0\r\n" + request).Header("sec-websocket-key")[0];
        await SendAsync(
            server,
            $"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: {RawClient.AcceptFor(key)}\r\nA:b\r\n\r\n"
            + "\u0081\u0001!"); // A first frame in the same packet belongs to the next read.

        Assert.StartsWith("GET /chat HTTP/1.1\r\n", request, StringComparison.Ordinal);
        Assert.Contains("\r\nX-Y: z\r\n", request, StringComparison.Ordinal);
        Assert.Equal(["b"], (await handshake.Within()).Header("a"));
        Assert.Equal("!", (await client.ReadFrameAsync()).Text);
    }

    [Fact]
    public async Task Handshake_WrongAccept_Throws()
    {
        (RawClient client, Socket server) = await ConnectAsync();
        using RawClient _ = client;
        using Socket __ = server;

        Task<RawResponse> handshake = client.HandshakeAsync();
        await ReceiveHeadAsync(server);
        await SendAsync(server, "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: nonsense\r\n\r\n");

        await Assert.ThrowsAsync<InvalidDataException>(() => handshake);
    }

    [Fact]
    public async Task ReadUntilClose_Frames_GivesAllAndThenTheFin()
    {
        (RawClient client, Socket server) = await ConnectAsync();
        using RawClient _ = client;
        byte[] large = [.. Frames.Hex("82 7E 0400"), .. new byte[1024]];
        await server.SendAsync(large).Within();
        await server.SendAsync(Frames.Hex("88 02 03E8")).Within();
        server.Dispose();

        IReadOnlyList<ServerFrame> frames = await client.ReadUntilCloseAsync();

        Assert.Equal([1024, 2], frames.Select(f => f.Payload.Length));
        Assert.Equal(TcpEnd.Fin, await client.ReadEndAsync());
        await Assert.ThrowsAsync<EndOfStreamException>(() => client.ReadFrameAsync());
    }

    [Fact]
    public async Task ReadEnd_Reset_IsDistinguishedFromFin()
    {
        (RawClient client, Socket server) = await ConnectAsync();
        using RawClient _ = client;
        server.LingerState = new LingerOption(enable: true, seconds: 0);
        server.Dispose();

        Assert.Equal(TcpEnd.Reset, await client.ReadEndAsync());
    }

    [Fact]
    public async Task ReadEnd_BytesFirst_Throws()
    {
        (RawClient client, Socket server) = await ConnectAsync();
        using RawClient _ = client;
        await server.SendAsync(new byte[] { 1, 2 }).Within();
        server.Dispose();

        await Assert.ThrowsAsync<InvalidDataException>(() => client.ReadEndAsync());
        Assert.Equal((TcpEnd.Fin, 2), await client.DrainAsync());
    }

    [Fact]
    public async Task ReadFrame_NothingComes_TimesOut()
    {
        (RawClient client, Socket server) = await ConnectAsync();
        using RawClient _ = client;
        using Socket __ = server;

        TimeoutException error = await Assert.ThrowsAsync<TimeoutException>(() => client.ReadFrameAsync(_short));

        Assert.Contains("a whole frame", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SendFrame_Text_ArrivesMasked()
    {
        (RawClient client, Socket server) = await ConnectAsync();
        using RawClient _ = client;
        using Socket __ = server;

        await client.SendTextAsync("abc");
        byte[] frame = await ReceiveAsync(server, 9);

        Assert.Equal(Frames.Hex("81 83"), frame[..2]);
        Frames.Mask(frame.AsSpan(6), System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(2)));
        Assert.Equal("abc"u8, frame.AsSpan(6));
    }

    [Fact]
    public async Task Reset_Client_ServerSeesReset()
    {
        (RawClient client, Socket server) = await ConnectAsync();
        using Socket _ = server;

        client.Reset();

        SocketException error = await Assert.ThrowsAsync<SocketException>(
            () => server.ReceiveAsync(new byte[1]).Within());
        Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);
    }

    [Fact]
    public async Task ShutdownSend_Client_StillReads()
    {
        (RawClient client, Socket server) = await ConnectAsync();
        using RawClient _ = client;
        using Socket __ = server;

        client.ShutdownSend();

        Assert.Equal(0, await server.ReceiveAsync(new byte[1]).Within());
        await server.SendAsync(Frames.Hex("8A 00")).Within();
        Assert.Equal(0xA, (await client.ReadFrameAsync()).Opcode);
    }

    [Fact]
    public async Task SmallReceiveBuffer_ClientDoesNotRead_HoldsTheServerUpEarly()
    {
        (RawClient client, Socket server) = await ConnectAsync(receiveBufferBytes: 4096);
        using RawClient _ = client;
        using Socket __ = server;
        server.SendBufferSize = 4096;
        server.Blocking = false;

        // Loopback's defaults take megabytes.
        long taken = 0;
        SocketError error = SocketError.Success;
        await Bounded.Eventually(() =>
        {
            while (error == SocketError.Success && taken < 1 << 20)
            {
                taken += server.Send(new byte[1024], SocketFlags.None, out error);
            }

            return error == SocketError.WouldBlock;
        });

        Assert.InRange(taken, 1, 128 * 1024);
    }

    [Fact]
    public async Task Tls_EchoAndEnd_WorkAsOverTcp()
    {
        using X509Certificate2 certificate = TestCertificate.Create();
        Task<RawClient> connect = RawClient.ConnectAsync("127.0.0.1", Port, tls: true);
        using Socket accepted = await _listener.AcceptSocketAsync().Within();
        SslStream server = new(new NetworkStream(accepted));
        await server.AuthenticateAsServerAsync(certificate).Within();
        using RawClient client = await connect;

        await client.SendRawAsync(Frames.Hex("0102"));
        byte[] received = new byte[2];
        await server.ReadExactlyAsync(received).Within();
        await server.WriteAsync(Frames.Hex("81 01 61")).AsTask().Within();
        await server.ShutdownAsync().Within();
        accepted.Shutdown(SocketShutdown.Send);

        Assert.Equal([1, 2], received);
        Assert.Equal("a", (await client.ReadFrameAsync()).Text);
        Assert.Equal(TcpEnd.Fin, await client.ReadEndAsync());
        await server.DisposeAsync();
    }

    private static Task<int> SendAsync(Socket server, string text) =>
        server.SendAsync(Encoding.Latin1.GetBytes(text)).Within();

    private static async Task<byte[]> ReceiveAsync(Socket server, int length)
    {
        byte[] bytes = new byte[length];
        for (int have = 0; have < length;)
        {
            int received = await server.ReceiveAsync(bytes.AsMemory(have)).Within();
            have += received > 0 ? received : throw new EndOfStreamException();
        }

        return bytes;
    }

    private static async Task<string> ReceiveHeadAsync(Socket server)
    {
        StringBuilder head = new();
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            head.Append((char)(await ReceiveAsync(server, 1))[0]);
        }

        return head.ToString();
    }

    private async Task<(RawClient Client, Socket Server)> ConnectAsync(int? receiveBufferBytes = null)
    {
        Task<RawClient> connect = RawClient.ConnectAsync("127.0.0.1", Port, receiveBufferBytes: receiveBufferBytes);
        Socket server = await _listener.AcceptSocketAsync().Within();
        return (await connect, server);
    }
}
