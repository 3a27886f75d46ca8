using System.Buffers;
using System.IO.Pipelines;

namespace Weir.Extensions.Tests.LoopTransport;

/// <summary>The client's end of a connection.</summary>
internal sealed class MemoryClientStream(MemoryConnection server) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
        {
            return 0;
        }

        ReadResult result = await server.Sent.ReadAsync(cancellationToken);
        if (result.IsCanceled)
        {
            server.Sent.Complete();
            throw new IOException("The connection was reset by the server.");
        }

        int taken = (int)Math.Min(result.Buffer.Length, buffer.Length);
        result.Buffer.Slice(0, taken).CopyTo(buffer.Span);
        server.Sent.AdvanceTo(result.Buffer.GetPosition(taken));
        return taken;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        server.Receive(buffer.ToArray());
        return default;
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Clients read asynchronously.");

    public override void Write(byte[] buffer, int offset, int count) => server.Receive(buffer.AsSpan(offset, count).ToArray());

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        server.ReceiveEnd();
        base.Dispose(disposing);
    }
}
