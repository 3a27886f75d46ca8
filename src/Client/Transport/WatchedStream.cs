using System.Net.Sockets;

namespace Weir.Client.Transport;

/// <summary>
/// The bytes of a connection, below WebSocket and above TLS. Records what <see cref="System.Net.WebSockets.ClientWebSocket"/> does not
/// expose: when data last arrived (Pings and Pongs included), and whether a close frame was empty.
/// </summary>
internal sealed class WatchedStream(Stream inner, Socket socket, TimeProvider time) : Stream
{
    private const ushort EmptyClose = 0x8800; // RFC 6455, section 5.5.1: FIN and opcode 8, no payload

    private long _lastRead = time.GetTimestamp();
    private ushort _lastTwo;

    /// <inheritdoc cref="IClientConnection.IdleFor"/>
    public TimeSpan IdleFor => HasUnread() ? TimeSpan.Zero : time.GetElapsedTime(Volatile.Read(ref _lastRead));

    /// <summary>
    /// Whether the last data was a close frame without a code. .NET reports it as 1000, which means that the application has finished.
    /// </summary>
    public bool EndedWithEmptyClose => _lastTwo == EmptyClose;

    public override bool CanRead => inner.CanRead;

    public override bool CanSeek => false;

    public override bool CanWrite => inner.CanWrite;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        int read = inner.Read(buffer);
        Record(buffer[..read]);
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int read = await inner.ReadAsync(buffer, cancellationToken);
        Record(buffer.Span[..read]);
        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

    public override void Write(ReadOnlySpan<byte> buffer) => inner.Write(buffer);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        => inner.WriteAsync(buffer, cancellationToken);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => inner.WriteAsync(buffer, offset, count, cancellationToken);

    public override void Flush() => inner.Flush();

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Record(ReadOnlySpan<byte> read)
    {
        if (read.IsEmpty)
        {
            return;
        }

        Volatile.Write(ref _lastRead, time.GetTimestamp());
        _lastTwo = read.Length == 1 ? (ushort)((_lastTwo << 8) | read[0]) : (ushort)((read[^2] << 8) | read[^1]);
    }

    private bool HasUnread()
    {
        try
        {
            return socket.Available > 0;
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            return false; // closed meanwhile
        }
    }
}
