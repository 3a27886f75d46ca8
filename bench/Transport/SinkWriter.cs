using System.IO.Pipelines;

namespace Weir.Bench.Transport;

/// <summary>
/// Counts bytes and drops them. All sinks write to one scratch buffer, which stays in the cache, like the block that Kestrel's
/// pool passes from one connection's pipe to the next.
/// </summary>
internal sealed class SinkWriter : PipeWriter
{
    private static readonly byte[] _scratch = new byte[64 * 1024];

    public long Bytes { get; private set; }

    public int Flushes { get; private set; }

    /// <summary>The bytes written last to any sink, beginning with the first byte of that write.</summary>
    public static ReadOnlySpan<byte> LastWritten => _scratch;

    public override Memory<byte> GetMemory(int sizeHint = 0) => _scratch;

    public override Span<byte> GetSpan(int sizeHint = 0) => _scratch;

    public override void Advance(int bytes) => Bytes += bytes;

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        Flushes++;
        return default;
    }

    public override void CancelPendingFlush()
    {
    }

    public override void Complete(Exception? exception = null)
    {
    }
}
