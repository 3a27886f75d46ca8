using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Weir.Testing.Timing;

namespace Weir.Testing;

/// <summary>How a TCP connection ended, as its peer sees it.</summary>
public enum TcpEnd
{
    /// <summary>In order: all bytes had arrived.</summary>
    Fin,

    /// <summary>By reset: bytes may be lost.</summary>
    Reset,
}

/// <summary>
/// A WebSocket client that sends any bytes and reads strictly, over TCP or TLS. It reads only on a call, so a client that
/// stops reading is one without calls. Sending and reading may overlap, each by one caller at a time.
/// </summary>
/// <remarks>
/// Cheap enough for thousands in one test: a socket, a stream and no buffer before the first read. Every wait is
/// bounded, by <see cref="Bounded.DefaultLimit"/> by default; a wait that timed out leaves the connection unusable.
/// </remarks>
public sealed partial class RawClient : IDisposable
{
    private readonly Socket _socket;
    private readonly TimeSpan _limit;
    private readonly WaitLimit _sending = new();
    private readonly WaitLimit _reading = new();
    private Stream _stream;

    private RawClient(Socket socket, TimeSpan limit)
    {
        _socket = socket;
        _limit = limit;
        _stream = new NetworkStream(socket, ownsSocket: true);
    }

    /// <summary>The client's own address; <c>null</c> if the socket is not connected.</summary>
    public EndPoint? LocalEndPoint => _socket.LocalEndPoint;

    /// <summary>Connects, optionally with TLS; any certificate is accepted.</summary>
    /// <param name="receiveBufferBytes">
    /// SO_RCVBUF, set before the connect so that it bounds the window from the first packet; Linux doubles it and gives
    /// no less than about 2 KiB. <c>null</c> leaves it to the system.
    /// </param>
    /// <param name="limit">Bound of every wait without its own; <c>null</c> for <see cref="Bounded.DefaultLimit"/>.</param>
    public static async Task<RawClient> ConnectAsync(
        string host, int port, bool tls = false, int? receiveBufferBytes = null, TimeSpan? limit = null)
    {
        bool ipv6 = IPAddress.TryParse(host, out IPAddress? address)
            && address.AddressFamily == AddressFamily.InterNetworkV6;
        AddressFamily family = ipv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;
        Socket socket = new(family, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        TimeSpan bound = limit ?? Bounded.DefaultLimit;
        RawClient? client = null;
        try
        {
            if (receiveBufferBytes is int bytes)
            {
                socket.ReceiveBufferSize = bytes;
            }

            await socket.ConnectAsync(host, port).Within(bound, $"connect to {host}:{port}");
            client = new RawClient(socket, bound);
            if (tls)
            {
                await client.AuthenticateAsync(host).Within(bound, $"TLS handshake with {host}:{port}");
            }

            return client;
        }
        catch
        {
            client?.Dispose();
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Sends bytes as they are.</summary>
    /// <exception cref="TimeoutException">The server did not accept them in time.</exception>
    /// <exception cref="IOException">The connection has ended.</exception>
    public async Task SendRawAsync(ReadOnlyMemory<byte> bytes, TimeSpan? limit = null)
    {
        CancellationToken token = _sending.Start(limit ?? _limit);
        try
        {
            await _stream.WriteAsync(bytes, token);
        }
        catch (OperationCanceledException) when (token.IsCancellationRequested)
        {
            throw new TimeoutException($"The server did not take {bytes.Length} bytes in time.");
        }
        finally
        {
            _sending.Stop();
        }
    }

    /// <summary>Sends one masked frame; <see cref="Frames.Client"/> builds illegal ones.</summary>
    public Task SendFrameAsync(int opcode, ReadOnlyMemory<byte> payload, bool fin = true, int rsv = 0) =>
        SendRawAsync(Frames.Client(opcode, payload.Span, fin, rsv, (uint)Random.Shared.NextInt64(1L << 32)));

    /// <summary>Sends a text message in one frame.</summary>
    public Task SendTextAsync(string text) => SendFrameAsync(0x1, Encoding.UTF8.GetBytes(text));

    /// <summary>Sends a Close frame; a code of <c>null</c> omits code and reason.</summary>
    public Task SendCloseAsync(int? code = 1000, string reason = "") => SendRawAsync(Frames.Close(code, reason));

    /// <summary>Sends a request header block unchanged, including its line ends.</summary>
    public Task SendHeadAsync(string head) => SendRawAsync(Encoding.Latin1.GetBytes(head));

    /// <summary>Upgrades and checks the answer, RFC 6455 sections 4.1 and 4.2.2.</summary>
    /// <param name="headers">More lines, each with its CR LF.</param>
    /// <exception cref="InvalidDataException">Any response but a valid 101.</exception>
    public async Task<RawResponse> HandshakeAsync(string path = "/", string headers = "", string host = "localhost")
    {
        string key = Convert.ToBase64String(RandomNumberGenerator.GetBytes(16));
        await SendRawAsync(Frames.UpgradeRequest(path, headers, host, key));
        RawResponse response = await ReadHeadAsync();
        if (response.Status != 101
            || response.Header("Sec-WebSocket-Accept") is not [var accept]
            || accept != AcceptFor(key))
        {
            throw new InvalidDataException($"Not upgraded:{Environment.NewLine}{response.Head}");
        }

        return response;
    }

    /// <summary>The answer to a Sec-WebSocket-Key, RFC 6455 section 4.2.2.</summary>
    public static string AcceptFor(string key)
    {
        byte[] text = Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
        return Convert.ToBase64String(CryptographicOperations.HashData(HashAlgorithmName.SHA1, text));
    }

    /// <summary>Ends the client's direction with a FIN; reading continues. Over TLS there is no close_notify.</summary>
    public void ShutdownSend() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>Ends the connection with an RST.</summary>
    public void Reset()
    {
        _socket.LingerState = new LingerOption(enable: true, seconds: 0);
        _socket.Dispose();
        Dispose();
    }

    /// <summary>Closes the socket, without a Close frame.</summary>
    public void Dispose()
    {
        _stream.Dispose();
        _sending.Dispose();
        _reading.Dispose();
    }

    private async Task AuthenticateAsync(string host)
    {
        SslStream secure = new(_stream);
        _stream = secure;
        await secure.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = host,
            RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
        });
    }
}
