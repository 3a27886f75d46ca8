using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using Weir.Testing.Pipes;

namespace Weir.Testing;

// The test's side of the writer, and the records both sides share.
public sealed partial class StallingPipeWriter
{
    /// <summary>All flushes in the order they began.</summary>
    public IReadOnlyList<FlushRecord> Flushes
    {
        get
        {
            lock (_lock)
            {
                return [.. _flushes];
            }
        }
    }

    /// <summary>The bytes of every flush that completed.</summary>
    public byte[] Sent
    {
        get
        {
            lock (_lock)
            {
                return _sent.WrittenSpan.ToArray();
            }
        }
    }

    /// <summary>Bytes of the pending flush, 0 if there is none.</summary>
    public int PendingBytes
    {
        get
        {
            lock (_lock)
            {
                return _pending?.Bytes.Length ?? 0;
            }
        }
    }

    /// <summary>Whether a flush is held up.</summary>
    public bool IsFlushPending => PendingBytes > 0;

    /// <summary>Whether the code under test has completed the writer.</summary>
    public bool IsCompleted
    {
        get
        {
            lock (_lock)
            {
                return _completed;
            }
        }
    }

    /// <summary>Violations so far; each was thrown to its caller too.</summary>
    public IReadOnlyList<string> Violations
    {
        get
        {
            lock (_lock)
            {
                return [.. _violations];
            }
        }
    }

    /// <summary>From now on a flush of one byte or more pends.</summary>
    public void Hold()
    {
        lock (_lock)
        {
            _held = true;
        }
    }

    /// <summary>Completes the pending flush; later ones do not pend.</summary>
    public void Release()
    {
        lock (_lock)
        {
            _held = false;
            ReleasePendingInsideLock();
        }
    }

    /// <summary>Completes the pending flush; the next one pends again.</summary>
    /// <exception cref="InvalidOperationException">No flush is pending.</exception>
    public void ReleaseOne()
    {
        lock (_lock)
        {
            if (_pending is null)
            {
                throw new InvalidOperationException("No flush is pending.");
            }

            ReleasePendingInsideLock();
        }
    }

    /// <summary>The transport fails: the pending flush and all that follow throw <paramref name="error"/>.</summary>
    public void FailWith(Exception error)
    {
        lock (_lock)
        {
            _failure = error;
            if (_pending is not null)
            {
                EndInsideLock().Fail(error);
            }
        }
    }

    /// <summary>
    /// The reader completes: the pending flush and all that follow return <see cref="FlushResult.IsCompleted"/>.
    /// </summary>
    public void CompleteReader()
    {
        lock (_lock)
        {
            _readerCompleted = true;
            if (_pending is not null)
            {
                EndInsideLock().Complete(new FlushResult(isCanceled: false, isCompleted: true));
            }
        }
    }

    /// <exception cref="InvalidOperationException">There was any violation.</exception>
    public void AssertClean()
    {
        lock (_lock)
        {
            CheckPendingBytesInsideLock();
            if (_violations.Count > 0)
            {
                throw new InvalidOperationException(string.Join(Environment.NewLine, _violations));
            }
        }
    }

    private void CancelByToken(PendingFlush pending, CancellationToken token)
    {
        lock (_lock)
        {
            if (_pending == pending)
            {
                EndInsideLock().Fail(new OperationCanceledException(token));
            }
        }
    }

    private void Report(string violation)
    {
        lock (_lock)
        {
            _violations.Add(violation);
        }
    }

    private void ThrowIfUntouchableInsideLock(string member)
    {
        Debug.Assert(_lock.IsHeldByCurrentThread);
        string? when = _pending is not null ? "while a flush was pending" : _completed ? "after Complete" : null;
        if (when is not null)
        {
            string violation = $"{member} was called {when}.";
            _violations.Add(violation);
            throw new InvalidOperationException(violation);
        }
    }

    private Block BlockInsideLock(string member, int sizeHint)
    {
        ThrowIfUntouchableInsideLock(member);
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        if (_blocks.Count == 0 || _blocks[^1].Free.Length < Math.Max(1, sizeHint))
        {
            _blocks.Add(new Block(_pool, sizeHint));
        }

        return _blocks[^1];
    }

    /// <summary>A flush that does not pend.</summary>
    private FlushResult FinishInsideLock(byte[] bytes)
    {
        Debug.Assert(_lock.IsHeldByCurrentThread);
        ReturnBlocksInsideLock();
        bool canceled = _cancelNext;
        _cancelNext = false;
        if (_failure is not null)
        {
            throw _failure;
        }

        if (!canceled && !_readerCompleted)
        {
            _sent.Write(bytes);
        }

        return new FlushResult(canceled, _readerCompleted);
    }

    private void ReleasePendingInsideLock()
    {
        if (_pending is not null)
        {
            _sent.Write(_pending.Bytes);
            EndInsideLock().Complete(default);
        }
    }

    /// <summary>Ends the pending state. The caller completes the flush returned; its awaiter runs later.</summary>
    private PendingFlush EndInsideLock()
    {
        Debug.Assert(_lock.IsHeldByCurrentThread && _pending is not null);
        CheckPendingBytesInsideLock();
        PendingFlush ended = _pending;
        _pending = null;
        ended.Cancellation.Unregister();
        ReturnBlocksInsideLock();
        return ended;
    }

    private void CheckPendingBytesInsideLock()
    {
        if (_pending is not null && !CopyInsideLock().AsSpan().SequenceEqual(_pending.Bytes))
        {
            _violations.Add("Memory was written while its flush was pending.");
        }
    }

    private long WrittenInsideLock() => _blocks.Sum(block => (long)block.Used);

    private byte[] CopyInsideLock()
    {
        Debug.Assert(_lock.IsHeldByCurrentThread);
        return [.. _blocks.SelectMany(block => block.Written.ToArray())];
    }

    private void ReturnBlocksInsideLock()
    {
        _blocks.ForEach(block => block.Dispose());
        _blocks.Clear();
    }

    /// <summary>One block of memory being filled.</summary>
    private sealed class Block(MemoryPool<byte> pool, int sizeHint) : IDisposable
    {
        // As Pipe does: a size above the pool's limit comes from the heap.
        private readonly byte[]? _array = sizeHint > pool.MaxBufferSize ? new byte[sizeHint] : null;
        private readonly IMemoryOwner<byte>? _owner =
            sizeHint > pool.MaxBufferSize ? null : pool.Rent(sizeHint > 0 ? sizeHint : -1);

        public int Used { get; set; }

        public Memory<byte> Free => Whole[Used..];

        public Memory<byte> Written => Whole[..Used];

        private Memory<byte> Whole => _owner?.Memory ?? _array;

        public void Dispose() => _owner?.Dispose();
    }
}
