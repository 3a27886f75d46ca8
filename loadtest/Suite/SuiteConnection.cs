using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Weir.LoadTest.Client;
using Weir.LoadTest.Protocols;

namespace Weir.LoadTest.Suite;

/// <summary>
/// A WebSocket for tasks, with the frames of the load test's own client: pre-built, masked once. Runners of tasks hop between
/// threads anyway, so this one takes the system's streams. For one iteration at a time.
/// </summary>
internal sealed class SuiteConnection : IAsyncDisposable
{
    private static readonly byte[] _pong = MaskedFrames.Make(ServerFrame.Pong, []);
    private static readonly byte[] _close = MaskedFrames.Make(ServerFrame.Close, [0x03, 0xE8]); // 1000

    private readonly Stream _stream;
    private byte[] _buffer = new byte[4096];
    private int _filled;
    private int _lastPayload;

    private SuiteConnection(Stream stream) => _stream = stream;

    /// <summary>Opens it, and waits until the server has taken it up.</summary>
    /// <exception cref="IOException">It was refused; with the status line.</exception>
    public static async Task<SuiteConnection> OpenAsync(SuiteTarget target, params string[] rooms)
    {
        Opening opening = new RawProtocol().Open(target.Target, rooms, token: null, receiveBufferBytes: null);
        SuiteConnection connection = new(await ConnectAsync(target));
        try
        {
            string refusal = await connection.RequestAsync(opening.Request);
            if (refusal.Length > 0)
            {
                throw new IOException(refusal);
            }

            await connection.SendAsync(opening.Greeting);
            while (await connection.ReceiveAsync() is not ServerFrame.Pong)
            {
            }

            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Opens with something that is to be refused.</summary>
    /// <returns>What the server said: its status line, or a close code; empty when it has let us in.</returns>
    public static async Task<string> TryOpenAsync(SuiteTarget target, Opening opening)
    {
        await using SuiteConnection connection = new(await ConnectAsync(target));
        try
        {
            return await connection.RequestAsync(opening.Request);
        }
        catch (IOException)
        {
            return "cut"; // an answer too
        }
    }

    public ValueTask SendAsync(byte[] frames) => _stream.WriteAsync(frames);

    /// <summary>Waits for a message. Pings on the way are answered.</summary>
    /// <returns>How many bytes it has.</returns>
    public async Task<int> ReceiveMessageAsync()
    {
        while (true)
        {
            if (await ReceiveAsync() is ServerFrame.Text or ServerFrame.Binary)
            {
                return _lastPayload;
            }
        }
    }

    /// <summary>The whole closing handshake.</summary>
    public async Task CloseAsync()
    {
        await SendAsync(_close);
        while (await ReceiveAsync() is not ServerFrame.Close)
        {
        }
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    private static async Task<Stream> ConnectAsync(SuiteTarget target)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(target.Target.Address, target.Url.Port);
            NetworkStream stream = new(socket, ownsSocket: true);
            if (target.Url.Scheme != "wss")
            {
                return stream;
            }

            SslStream secure = new(stream);
            await secure.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = target.Url.DnsSafeHost,
                RemoteCertificateValidationCallback = (_, _, _, errors) => errors == SslPolicyErrors.None || target.IsInsecure,
            });
            return secure;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    // Empty when upgraded; else what was said.
    private async Task<string> RequestAsync(byte[] request)
    {
        await SendAsync(request);
        int end;
        while ((end = _buffer.AsSpan(0, _filled).IndexOf("\r\n\r\n"u8)) < 0)
        {
            await FillAsync();
        }

        string refusal = Target.IsUpgraded(_buffer.AsSpan(0, end), out string statusLine) ? "" : statusLine;
        Consume(end + 4);
        return refusal;
    }

    // The next frame's opcode.
    private async Task<int> ReceiveAsync()
    {
        ServerFrame frame;
        while (!ServerFrame.TryParse(_buffer.AsSpan(0, _filled), out frame))
        {
            await FillAsync();
        }

        if (frame.Opcode == ServerFrame.Ping)
        {
            // Without its payload, which servers that only want to know whether we are there do not look at.
            await SendAsync(_pong);
        }

        _lastPayload = frame.End - frame.PayloadStart;
        string reason = frame.Opcode == ServerFrame.Close && _lastPayload >= 2
            ? $"{(_buffer[frame.PayloadStart] << 8) | _buffer[frame.PayloadStart + 1]} {Encoding.UTF8.GetString(_buffer, frame.PayloadStart + 2, _lastPayload - 2)}"
            : "";
        Consume(frame.End);
        return frame.Opcode == ServerFrame.Close && !reason.StartsWith("1000", StringComparison.Ordinal)
            ? throw new IOException($"Closed: {reason}")
            : frame.Opcode;
    }

    private async Task FillAsync()
    {
        if (_filled == _buffer.Length)
        {
            Array.Resize(ref _buffer, 2 * _buffer.Length);
        }

        int read = await _stream.ReadAsync(_buffer.AsMemory(_filled));
        _filled += read > 0 ? read : throw new IOException("The server ended the connection.");
    }

    private void Consume(int bytes)
    {
        _buffer.AsSpan(bytes, _filled - bytes).CopyTo(_buffer);
        _filled -= bytes;
    }
}
