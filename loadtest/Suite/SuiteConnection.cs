using System.Net.Security;
using System.Net.Sockets;
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

    private readonly Stream _stream;
    private byte[] _buffer = new byte[4096];
    private int _filled;

    // The last one: its bytes are the buffer's first until the next is waited for.
    private ServerFrame _frame;
    private bool _hasSentClose;

    private SuiteConnection(Stream stream) => _stream = stream;

    /// <summary>How the server ended it; null: not as far as has been read.</summary>
    public ConnectionEnd? End { get; private set; }

    /// <summary>Of the last message, until the next is waited for.</summary>
    public ReadOnlySpan<byte> Payload => _buffer.AsSpan(_frame.PayloadStart, _frame.End - _frame.PayloadStart);

    /// <summary>Opens it, and waits until the server has taken it up.</summary>
    /// <param name="room">Null: none.</param>
    /// <param name="receiveBufferBytes">SO_RCVBUF; null: the system's own.</param>
    /// <exception cref="IOException">It was refused; with the answer.</exception>
    public static async Task<SuiteConnection> OpenAsync(SuiteTarget target, string? room = null, int? receiveBufferBytes = null)
    {
        Opening opening = new RawProtocol().Open(target.Target, room is null ? [] : [room], target.Token, receiveBufferBytes);
        SuiteConnection connection = new(await ConnectAsync(target, receiveBufferBytes));
        try
        {
            string refusal = await connection.OpenAsync(opening);
            return refusal.Length == 0 ? connection : throw new ConnectionFailure(connection.CodeOf(refusal), refusal);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Opens with something that is to be refused.</summary>
    /// <returns>The server's refusal: its status line, or a close code; empty if it has accepted.</returns>
    public static async Task<string> TryOpenAsync(SuiteTarget target, Opening opening)
    {
        await using SuiteConnection connection = new(await ConnectAsync(target, opening.ReceiveBufferBytes));
        try
        {
            return await connection.OpenAsync(opening);
        }
        catch (IOException)
        {
            return "cut"; // an answer too
        }
    }

    public ValueTask SendAsync(ReadOnlyMemory<byte> frames) => _stream.WriteAsync(frames);

    /// <summary>Waits for a message. Pings before it are answered.</summary>
    /// <returns>How many bytes it has.</returns>
    /// <exception cref="IOException">The connection has ended; with how.</exception>
    public async Task<int> ReceiveMessageAsync()
    {
        while (await ReceiveAsync() is not (ServerFrame.Text or ServerFrame.Binary))
        {
        }

        return Payload.Length;
    }

    /// <summary>The same where an end is to be expected.</summary>
    /// <returns>False: <see cref="End"/>.</returns>
    public async Task<bool> TryReceiveMessageAsync()
    {
        try
        {
            await ReceiveMessageAsync();
            return true;
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            End ??= ConnectionEnd.WithoutCloseFrame(error.Message);
            return false;
        }
    }

    /// <summary>Waits for the server's next Ping and answers it.</summary>
    /// <exception cref="IOException">The connection has ended; with how.</exception>
    public async Task ReceivePingAsync()
    {
        while (await ReceiveAsync() is not ServerFrame.Ping)
        {
        }
    }

    /// <summary>The whole closing handshake.</summary>
    /// <exception cref="IOException">It ended otherwise; with how.</exception>
    public async Task CloseAsync()
    {
        _hasSentClose = true;
        await SendAsync(MaskedFrames.Close(1000));
        while (await ReceiveAsync() is not ServerFrame.Close)
        {
        }
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    private static async Task<Stream> ConnectAsync(SuiteTarget target, int? receiveBufferBytes)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.ReceiveBufferSize = receiveBufferBytes ?? socket.ReceiveBufferSize;
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

    // Of a close frame, or of a status line: the second word of "HTTP/1.1 503 Service Unavailable".
    private string CodeOf(string refusal)
        => End is { } end ? $"{end.Code}" : refusal.Split(' ', 3) is [_, { } status, ..] ? status : refusal;

    // Empty if it is open; else the refusal.
    private async Task<string> OpenAsync(Opening opening)
    {
        string refusal = await RequestAsync(opening.Request);
        if (refusal.Length > 0 || opening.Greeting.Length == 0)
        {
            return refusal;
        }

        try
        {
            await SendAsync(opening.Greeting);
            while (await ReceiveAsync() is not ServerFrame.Pong)
            {
            }

            return "";
        }
        catch (IOException) when (End is not null)
        {
            return $"{End}";
        }
    }

    // Empty if upgraded; else the refusal.
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

    // The next frame's opcode. Close only as the answer to ours: one that the server begins is answered and thrown.
    private async Task<int> ReceiveAsync()
    {
        Consume(_frame.End);
        _frame = default;
        ServerFrame frame;
        while (!ServerFrame.TryParse(_buffer.AsSpan(0, _filled), out frame))
        {
            await FillAsync();
        }

        _frame = frame;
        if (frame.Opcode == ServerFrame.Ping)
        {
            // Without its payload, which servers do not read that only check whether the client responds.
            await SendAsync(_pong);
        }
        else if (frame.Opcode == ServerFrame.Close)
        {
            ConnectionEnd closed = ConnectionEnd.FromClosePayload(Payload);
            End = closed;
            if (!_hasSentClose)
            {
                _hasSentClose = true;
                await SendAsync(MaskedFrames.Close(closed.Answer));
                throw new ConnectionFailure($"{closed.Code}", $"Closed: {closed}");
            }

            return closed.Code == 1000 ? ServerFrame.Close : throw new ConnectionFailure($"{closed.Code}", $"Closed: {closed}");
        }

        return frame.Opcode;
    }

    private async Task FillAsync()
    {
        if (_filled == _buffer.Length)
        {
            Array.Resize(ref _buffer, 2 * _buffer.Length);
        }

        int read = await _stream.ReadAsync(_buffer.AsMemory(_filled));
        _filled += read > 0 ? read : throw new ConnectionFailure($"{ConnectionEnd.NoCloseFrame}", "The server ended the connection.");
    }

    private void Consume(int bytes)
    {
        _buffer.AsSpan(bytes, _filled - bytes).CopyTo(_buffer);
        _filled -= bytes;
    }
}
