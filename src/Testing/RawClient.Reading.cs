using System.Net.Sockets;
using System.Text;

namespace Weir.Testing;

public sealed partial class RawClient
{
    private const int FirstBufferBytes = 512;

    private byte[] _buffer = [];
    private int _start;
    private int _end;
    private TcpEnd? _ended;

    private ReadOnlySpan<byte> Unread => _buffer.AsSpan(_start, _end - _start);

    /// <summary>Reads the header block of a response; following bytes stay for the next read.</summary>
    public async Task<RawResponse> ReadHeadAsync(TimeSpan? limit = null)
    {
        int length;
        while ((length = Unread.IndexOf("\r\n\r\n"u8)) < 0)
        {
            await FillOrThrowAsync("a whole response head", limit);
        }

        string head = Encoding.Latin1.GetString(Unread[..length]);
        _start += length + 4;
        return new RawResponse(head);
    }

    /// <exception cref="TimeoutException">No complete frame arrived in time.</exception>
    /// <exception cref="EndOfStreamException">The connection ended first.</exception>
    /// <exception cref="InvalidDataException">As of <see cref="Frames.ParseAll"/>.</exception>
    public async Task<ServerFrame> ReadFrameAsync(TimeSpan? limit = null)
    {
        ServerFrame frame;
        int consumed;
        while (!Frames.TryParse(Unread, out frame, out consumed))
        {
            await FillOrThrowAsync("a whole frame", limit);
        }

        _start += consumed;
        return frame;
    }

    /// <summary>Reads frames up to a Close, which is the last of those returned.</summary>
    public async Task<IReadOnlyList<ServerFrame>> ReadUntilCloseAsync(TimeSpan? limit = null)
    {
        List<ServerFrame> frames = [];
        do
        {
            frames.Add(await ReadFrameAsync(limit));
        }
        while (!frames[^1].IsClose);

        return frames;
    }

    /// <summary>Reads exactly this many bytes, without parsing.</summary>
    public async Task<byte[]> ReadBytesAsync(int length, TimeSpan? limit = null)
    {
        while (Unread.Length < length)
        {
            await FillOrThrowAsync($"{length} bytes", limit);
        }

        byte[] bytes = Unread[..length].ToArray();
        _start += length;
        return bytes;
    }

    /// <summary>Waits for the end of the connection and returns how it ended.</summary>
    /// <exception cref="InvalidDataException">Bytes arrived before it.</exception>
    /// <exception cref="TimeoutException">It did not end in time.</exception>
    public async Task<TcpEnd> ReadEndAsync(TimeSpan? limit = null)
    {
        while (Unread.IsEmpty && await FillAsync("the end of the connection", limit))
        {
        }

        return Unread.IsEmpty
            ? _ended!.Value
            : throw new InvalidDataException(
                $"{Unread.Length} bytes before the end: {Convert.ToHexString(Unread[..Math.Min(32, Unread.Length)])}");
    }

    /// <summary>Reads and drops everything up to the end; also returns the number of bytes.</summary>
    public async Task<(TcpEnd End, long Bytes)> DrainAsync(TimeSpan? limit = null)
    {
        long bytes = Unread.Length;
        _start = _end;
        while (await FillAsync("the end of the connection", limit))
        {
            bytes += Unread.Length;
            _start = _end;
        }

        return (_ended!.Value, bytes);
    }

    private async ValueTask FillOrThrowAsync(string what, TimeSpan? limit)
    {
        if (!await FillAsync(what, limit))
        {
            throw new EndOfStreamException(
                $"The connection ended ({_ended}) with {Unread.Length} bytes, before {what}.");
        }
    }

    /// <summary>Adds to the unread bytes; returns <c>false</c> if the connection has ended.</summary>
    private async ValueTask<bool> FillAsync(string what, TimeSpan? limit)
    {
        if (_ended is not null)
        {
            return false;
        }

        MakeRoom();
        CancellationToken token = _reading.Start(limit ?? _limit);
        try
        {
            int read = await _stream.ReadAsync(_buffer.AsMemory(_end), token);
            _end += read;
            if (read == 0)
            {
                _ended = TcpEnd.Fin;
            }
        }
        catch (IOException error)
            when (error.GetBaseException() is SocketException { SocketErrorCode: SocketError.ConnectionReset })
        {
            _ended = TcpEnd.Reset;
        }
        catch (OperationCanceledException) when (token.IsCancellationRequested)
        {
            throw new TimeoutException($"Waited in vain for {what}; {Unread.Length} bytes are there.");
        }
        finally
        {
            _reading.Stop();
        }

        return _ended is null;
    }

    private void MakeRoom()
    {
        if (_start == _end)
        {
            _start = _end = 0;
        }

        if (_end < _buffer.Length)
        {
            return;
        }

        byte[] larger = new byte[Math.Max(FirstBufferBytes, 2 * Unread.Length)];
        Unread.CopyTo(larger);
        (_buffer, _start, _end) = (larger, 0, Unread.Length);
    }
}
