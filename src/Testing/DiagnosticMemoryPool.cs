using System.Buffers;
using Weir.Testing.Buffers;

namespace Weir.Testing;

/// <summary>
/// A <see cref="MemoryPool{T}"/> that fails a test on a leak, a double return, a use after return (also through a kept
/// span, found by its trace) and a write outside a block's bounds. Thread-safe.
/// </summary>
/// <remarks>
/// Misuse that is detected immediately is thrown, and recorded too in case it is caught. <see cref="AssertClean"/> and
/// <see cref="MemoryPool{T}.Dispose()"/> throw everything recorded plus the leaks. Note that a throw out of a
/// <c>using</c> replaces the test's own failure; dispose last, and read the violations first when both are likely.
/// </remarks>
public sealed class DiagnosticMemoryPool : MemoryPool<byte>
{
    /// <summary>Kestrel's block size, and its limit on one rent.</summary>
    public const int KestrelBlockSize = 4096;

    private readonly PoolLedger _ledger;
    private bool _disposed;

    /// <param name="blockSize">
    /// Length of a block, 1 to 4096. Small odd sizes such as 16 or 61 make frames straddle blocks; a
    /// <see cref="System.IO.Pipelines.Pipe"/> honours it if its <c>minimumSegmentSize</c> is no larger.
    /// </param>
    /// <param name="captureStacks">Keeps the stack trace of each rent: slow, to find the source of a leak.</param>
    public DiagnosticMemoryPool(int blockSize = KestrelBlockSize, bool captureStacks = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(blockSize, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(blockSize, KestrelBlockSize);
        BlockSize = blockSize;
        _ledger = new PoolLedger(nameof(DiagnosticMemoryPool), captureStacks);
    }

    /// <summary>The length of a block in bytes, unless more is requested.</summary>
    public int BlockSize { get; }

    /// <inheritdoc/>
    public override int MaxBufferSize => KestrelBlockSize;

    /// <summary>The number of blocks rented and not returned.</summary>
    public int Outstanding => _ledger.Outstanding;

    /// <summary>Their bytes.</summary>
    public long OutstandingBytes => _ledger.OutstandingBytes;

    /// <summary>The most blocks that were rented at one time.</summary>
    public int PeakOutstanding => _ledger.PeakOutstanding;

    /// <summary>Rents since the start.</summary>
    public long Rents => _ledger.Rents;

    /// <summary>Violations so far, without leaks and late writes not yet found.</summary>
    public IReadOnlyList<string> Violations => _ledger.Violations;

    /// <summary>
    /// Rents a block of <see cref="BlockSize"/> bytes, or exactly <paramref name="minBufferSize"/> if that is more.
    /// </summary>
    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, MaxBufferSize);
        return new DiagnosticBlock(_ledger, Math.Max(minBufferSize, BlockSize));
    }

    /// <exception cref="PoolMisuseException">A block has not been returned, or there was any violation.</exception>
    public void AssertClean() => _ledger.AssertClean();

    /// <inheritdoc/>
    /// <exception cref="PoolMisuseException">As of <see cref="AssertClean"/>.</exception>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !_disposed)
        {
            _disposed = true;
            _ledger.AssertClean();
        }
    }
}
