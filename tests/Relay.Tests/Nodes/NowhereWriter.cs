using System.IO.Pipelines;

namespace Weir.Relay.Tests.Nodes;

/// <summary>A writer that accepts all data at once and drops it.</summary>
internal sealed class NowhereWriter : PipeWriter
{
    private readonly byte[] _memory = new byte[256];

    public override void Advance(int bytes)
    {
    }

    public override Memory<byte> GetMemory(int sizeHint = 0) => _memory;

    public override Span<byte> GetSpan(int sizeHint = 0) => _memory;

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => default;

    public override void CancelPendingFlush()
    {
    }

    public override void Complete(Exception? exception = null)
    {
    }
}
