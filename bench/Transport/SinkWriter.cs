using System.IO.Pipelines;

namespace Weir.Bench.Transport;

/// <summary>
/// Takes bytes, counts them and forgets them. All sinks write to one scratch buffer, which stays in the cache: so does
/// the block that Kestrel's pool hands from one connection's pipe to the next.
/// </summary>
internal sealed class SinkWriter : PipeWriter
{
    private static readonly byte[] _scratch = new byte[64 * 1024];

    public long Bytes { get; private set; }

    public int Flushes { get; private set; }

    /// <summary>What was written to any sink last, beginning with the first byte of that write.</summary>
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
