using System.Buffers.Binary;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Weir.Testing;

namespace Weir.Integration.Wire;

/// <summary>
/// An HTTP/2 client over TLS that sends header values as they are given: .NET's own escapes or refuses what is malformed. One
/// request at a time, no flow control, nothing compressed.
/// </summary>
internal sealed class Http2Client : IDisposable
{
    private const byte Data = 0x0, Headers = 0x1, Reset = 0x3, Settings = 0x4, GoAway = 0x7, WindowUpdate = 0x8;
    private const short MaxConcurrentStreamsId = 0x3;
    private const byte EndStream = 0x1, EndHeaders = 0x4, Ack = 0x1;

    private readonly TcpClient _tcp = new();
    private SslStream? _stream;
    private int _lastStream = -1;

    /// <summary>SETTINGS_MAX_CONCURRENT_STREAMS as the server has sent it so far (RFC 9113 6.5.2); <c>null</c>: not at all.</summary>
    public int? MaxConcurrentStreams { get; private set; }

    public static async Task<Http2Client> ConnectAsync(int port)
    {
        Http2Client client = new();
        await client._tcp.ConnectAsync("127.0.0.1", port).Within();
        client._stream = new SslStream(client._tcp.GetStream());
        await client._stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            ApplicationProtocols = [SslApplicationProtocol.Http2],
            RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null,
        }).Within();
        await client._stream.WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray());
        await client.SendAsync(Settings, 0, 0, []);
        return client;
    }

    /// <summary>Requests a WebSocket (RFC 8441 5).</summary>
    /// <param name="path">The value of :path, as Latin-1.</param>
    /// <param name="headers">Names and values, as Latin-1.</param>
    public Task<Http2Answer> ConnectWebSocketAsync(string path, params (string Name, string Value)[] headers) => AskAsync(
        isOver: false, [(":method", "CONNECT"), (":protocol", "websocket"), .. Common(path), ("sec-websocket-version", "13"), .. headers]);

    /// <inheritdoc cref="ConnectWebSocketAsync"/>
    public Task<Http2Answer> GetAsync(string path, params (string Name, string Value)[] headers) =>
        AskAsync(isOver: true, [(":method", "GET"), .. Common(path), .. headers]);

    /// <summary>Sends a request with the headers given and reads its status, or how it ended without one.</summary>
    /// <param name="isOver">Whether nothing follows the headers.</param>
    /// <param name="headers">All of them, pseudo-headers first.</param>
    public async Task<Http2Answer> AskAsync(bool isOver, params (string Name, string Value)[] headers)
    {
        _lastStream += 2;
        MemoryStream block = new();
        foreach ((string name, string value) in headers)
        {
            block.WriteByte(0); // literal, never indexed by us, the name as it is (RFC 7541 6.2.2)
            WriteString(block, name);
            WriteString(block, value);
        }

        byte flags = (byte)(EndHeaders | (isOver ? EndStream : 0));
        await SendAsync(Headers, flags, _lastStream, block.ToArray());
        while (true)
        {
            (byte type, byte received, int stream, byte[] payload) = await ReadAsync();
            switch (type)
            {
                case Headers when stream == _lastStream:
                    return new Http2Answer(StatusOf(payload), null);
                case Reset when stream == _lastStream:
                    return new Http2Answer(null, BinaryPrimitives.ReadInt32BigEndian(payload));
                case GoAway:
                    return new Http2Answer(null, BinaryPrimitives.ReadInt32BigEndian(payload.AsSpan(4)));
                case Settings when (received & Ack) == 0:
                    await SendAsync(Settings, Ack, 0, []);
                    break;
            }
        }
    }

    /// <summary>Sends bytes of the open request.</summary>
    public Task SendDataAsync(byte[] bytes, bool isOver = false) => SendAsync(Data, isOver ? EndStream : (byte)0, _lastStream, bytes);

    /// <summary>Reads on until the stream of the open request ends; null if in order, else the code of its reset.</summary>
    public async Task<int?> ReadEndAsync()
    {
        while (true)
        {
            (byte type, byte flags, int stream, byte[] payload) = await ReadAsync();
            if (stream == _lastStream && type == Reset)
            {
                return BinaryPrimitives.ReadInt32BigEndian(payload);
            }

            if (stream == _lastStream && type is Data or Headers && (flags & EndStream) != 0)
            {
                return null;
            }
        }
    }

    /// <summary>
    /// Reads on until the stream of the open request ends, and gives the server window for each frame of data once it has been taken.
    /// </summary>
    /// <returns>Null if it ended in order, else the code of its reset.</returns>
    public async Task<int?> ReadDataAsync(Func<byte[], Task> takeAsync)
    {
        while (true)
        {
            (byte type, byte flags, int stream, byte[] payload) = await ReadAsync();
            if (stream == _lastStream && type == Reset)
            {
                return BinaryPrimitives.ReadInt32BigEndian(payload);
            }

            if (stream == _lastStream && type == Data && payload.Length > 0)
            {
                await takeAsync(payload);
                byte[] more = new byte[4];
                BinaryPrimitives.WriteInt32BigEndian(more, payload.Length);
                await SendAsync(WindowUpdate, 0, _lastStream, more);
                await SendAsync(WindowUpdate, 0, 0, more);
            }

            if (stream == _lastStream && type is Data or Headers && (flags & EndStream) != 0)
            {
                return null;
            }
        }
    }

    public void Dispose()
    {
        _stream?.Dispose();
        _tcp.Dispose();
    }

    private static (string Name, string Value)[] Common(string path) =>
        [(":scheme", "https"), (":authority", "localhost"), (":path", path)];

    private static void WriteString(MemoryStream block, string text)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(text);
        int length = bytes.Length;
        block.WriteByte((byte)Math.Min(length, 127)); // an integer with a prefix of seven bits (RFC 7541 5.1), not Huffman-coded
        for (length -= 127; length >= 0; length = length >= 128 ? length >> 7 : -1)
        {
            block.WriteByte((byte)((length & 127) | (length >= 128 ? 128 : 0)));
        }

        block.Write(bytes);
    }

    // Kestrel writes the status first, from the static table (RFC 7541 A) or as digits behind that table's name.
    private static int StatusOf(byte[] block)
    {
        int[] indexed = [200, 204, 206, 304, 400, 404, 500];
        int at = 0;
        while ((block[at] & 0xE0) == 0x20)
        {
            at++; // size of the dynamic table, one byte where it is below 31
            at += (block[at - 1] & 0x1F) == 0x1F ? 1 + Array.FindIndex(block[at..], static each => each < 128) : 0;
        }

        return block[at] >= 0x88 && block[at] <= 0x8E
            ? indexed[block[at] - 0x88]
            : int.Parse(Encoding.ASCII.GetString(block, at + 2, 3), System.Globalization.CultureInfo.InvariantCulture);
    }

    private async Task SendAsync(byte type, byte flags, int stream, byte[] payload)
    {
        byte[] frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        (frame[3], frame[4]) = (type, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        await _stream!.WriteAsync(frame).AsTask().Within();
    }

    private async Task<(byte Type, byte Flags, int Stream, byte[] Payload)> ReadAsync()
    {
        byte[] head = new byte[9];
        await _stream!.ReadExactlyAsync(head).AsTask().Within(TimeSpan.FromSeconds(60));
        byte[] payload = new byte[BinaryPrimitives.ReadInt32BigEndian(head) >> 8];
        await _stream.ReadExactlyAsync(payload).AsTask().Within();
        for (int at = 0; head[3] == Settings && at < payload.Length; at += 6)
        {
            if (BinaryPrimitives.ReadInt16BigEndian(payload.AsSpan(at)) == MaxConcurrentStreamsId)
            {
                MaxConcurrentStreams = BinaryPrimitives.ReadInt32BigEndian(payload.AsSpan(at + 2));
            }
        }

        return (head[3], head[4], BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)), payload);
    }
}

/// <summary>What became of a request over HTTP/2.</summary>
/// <param name="Status">Its status; null: it was reset, or the connection ended.</param>
/// <param name="Error">The code of the reset or of GOAWAY (RFC 9113 7).</param>
internal readonly record struct Http2Answer(int? Status, int? Error);
