using System.Buffers;
using System.IO.Pipelines;
using Weir.Testing.Pipes;

namespace Weir.Testing;

/// <summary>One flush of a <see cref="StallingPipeWriter"/>.</summary>
/// <param name="Bytes">The number of bytes flushed.</param>
/// <param name="Stalled">Whether it had to wait.</param>
public sealed record FlushRecord(int Bytes, bool Stalled);

/// <summary>
/// A transport's writer that stalls on command, to gate races, and that fails a test which uses it while a flush
/// pends. Thread-safe where a <see cref="PipeWriter"/> need not be, so that a race is reported without corrupting state.
/// </summary>
/// <remarks>
/// A plain <see cref="Pipe"/> accepts bytes while a flush pends; the stream-backed writer that Kestrel puts over TLS
/// loses them. The engine must therefore not use it: <see cref="GetMemory"/>, <see cref="GetSpan"/>,
/// <see cref="Advance"/>, <see cref="FlushAsync"/> and <see cref="Complete"/> (which would write the rest, or take
/// back memory still being sent) throw then. So does a second awaiter of a pending flush, and
/// <see cref="AssertClean"/> finds bytes that changed while their flush was pending. A released flush completes
/// asynchronously, on the thread pool.
/// </remarks>
public sealed partial class StallingPipeWriter : PipeWriter
{
    private readonly Lock _lock = new();
    private readonly MemoryPool<byte> _pool;
    private readonly List<Block> _blocks = [];
    private readonly List<FlushRecord> _flushes = [];
    private readonly List<string> _violations = [];
    private readonly ArrayBufferWriter<byte> _sent = new();
    private PendingFlush? _pending;
    private bool _held;
    private bool _cancelNext;
    private bool _readerCompleted;
    private bool _completed;
    private Exception? _failure;

    /// <param name="pool">Provides the memory that is written to; <c>null</c> for the shared pool.</param>
    public StallingPipeWriter(MemoryPool<byte>? pool = null) => _pool = pool ?? MemoryPool<byte>.Shared;

    /// <inheritdoc/>
    public override bool CanGetUnflushedBytes => true;

    /// <inheritdoc/>
    public override long UnflushedBytes
    {
        get
        {
            lock (_lock)
            {
                return _pending is null ? WrittenInsideLock() : 0;
            }
        }
    }

    /// <summary>Called when the writer is completed.</summary>
    internal Action<Exception?>? OnCompleted { get; init; }

    /// <inheritdoc/>
    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        lock (_lock)
        {
            return BlockInsideLock(nameof(GetMemory), sizeHint).Free;
        }
    }

    /// <inheritdoc/>
    public override Span<byte> GetSpan(int sizeHint = 0)
    {
        lock (_lock)
        {
            return BlockInsideLock(nameof(GetSpan), sizeHint).Free.Span;
        }
    }

    /// <inheritdoc/>
    public override void Advance(int bytes)
    {
        lock (_lock)
        {
            ThrowIfUntouchableInsideLock(nameof(Advance));
            int free = _blocks.Count == 0 ? 0 : _blocks[^1].Free.Length;
            ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)bytes, (uint)free, nameof(bytes));
            if (bytes > 0)
            {
                _blocks[^1].Used += bytes;
            }
        }
    }

    /// <inheritdoc/>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        PendingFlush pending;
        lock (_lock)
        {
            ThrowIfUntouchableInsideLock(nameof(FlushAsync));
            byte[] bytes = CopyInsideLock();
            bool stalls = _held && bytes.Length > 0 && !_cancelNext && !_readerCompleted && _failure is null;
            _flushes.Add(new FlushRecord(bytes.Length, stalls));
            if (!stalls)
            {
                return new ValueTask<FlushResult>(FinishInsideLock(bytes));
            }

            pending = _pending = new PendingFlush(bytes, Report);
        }

        // Outside the lock, as a token cancelled meanwhile runs its callback here. A flush ended meanwhile ignores it.
        pending.Cancellation = cancellationToken.UnsafeRegister((_, token) => CancelByToken(pending, token), null);
        return pending.Task;
    }

    /// <summary>Ends the pending flush, or else the next one, with <see cref="FlushResult.IsCanceled"/>.</summary>
    /// <remarks>As over TLS, the bytes of a cancelled flush are lost: they never count as sent.</remarks>
    public override void CancelPendingFlush()
    {
        lock (_lock)
        {
            _cancelNext = _pending is null;
            if (_pending is not null)
            {
                EndInsideLock().Complete(new FlushResult(isCanceled: true, isCompleted: false));
            }
        }
    }

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null)
    {
        lock (_lock)
        {
            if (_completed)
            {
                return;
            }

            ThrowIfUntouchableInsideLock(nameof(Complete));
            _completed = true;
            if (exception is null)
            {
                _sent.Write(CopyInsideLock());
            }

            ReturnBlocksInsideLock();
        }

        OnCompleted?.Invoke(exception);
    }
}
