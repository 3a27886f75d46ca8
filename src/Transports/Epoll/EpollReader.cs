using System.Buffers;
using System.IO.Pipelines;
using Weir.Buffers;
using Weir.Threading;

namespace Weir.Transports.Epoll;

/// <summary>
/// The input of one socket. Bytes are received only during a read: into the loop's shared buffer if the reader continues on the
/// loop's thread, else into an array that is rented until it has been consumed. A connection that waits for its peer holds no
/// buffer.
/// </summary>
/// <remarks>
/// <para>Threading. Events occur on the loop's thread, reads on any, one at a time. The side that finds the other's flag under
/// the lock receives: the loop if a read is pending, the reader if the socket is known to be readable.</para>
/// <para>Edges. The socket is watched edge-triggered, so "readable" is stored here, and reset before the call that
/// may empty the socket: an edge that occurs during the call then counts again.</para>
/// <para>State. A read is in one <see cref="ReadPhase"/>; docs/internals/state-machines.md has the diagram. Apart from it there are the
/// edge (<c>_isReadable</c>), the results that no byte carries (<c>_isCanceled</c>, <c>_hasEnded</c>, <c>_error</c>), whose buffer it
/// is (<c>_isShared</c>), and the reader's end (<c>_isCompleted</c>).</para>
/// <para>Two ways to wait: <see cref="ReadAsync"/> for any caller, and <see cref="TryRead(IInputOwner, out ReadResult)"/>, which
/// calls its owner on the loop and needs no further object.</para>
/// <para>One segment. Unconsumed bytes are kept in one array, grown if needed, so that a parser always sees one span.</para>
/// </remarks>
internal sealed partial class EpollReader(EpollConnection connection) : LoopReader, IThreadPoolWorkItem
{
    private ReadWait? _wait;
    private IInputOwner? _owner;
    private Exception? _error;
    private byte[]? _buffer;
    private int _start;
    private int _examined;
    private int _end;
    private bool _isShared;
    private volatile bool _isReadable;
    private ReadPhase _phase;
    private bool _isCanceled;
    private bool _hasEnded;
    private bool _isCompleted;
    private LightLock _gate;

    /// <summary>Prefetches the owner, which is about to be called.</summary>
    public void PrefetchOwner() => Prefetch.Instance(_owner);

    /// <summary>The socket has something to receive, or has ended. On the loop's thread.</summary>
    public void OnReadable(LoopThread thread)
    {
        using (_gate.Hold(this))
        {
            _isReadable = true;
            if (!TryBeginReceiveInsideLock())
            {
                return;
            }
        }

        ReceiveFor(thread);
    }

    /// <summary>The connection was aborted: a pending read and all later ones end with this exception. Thread-safe.</summary>
    public void Fail(Exception error)
    {
        using (_gate.Hold(this))
        {
            _error ??= error;
        }

        WakeElsewhere();
    }

    /// <summary>
    /// Posted by a read on the loop's own thread, so that one busy connection does not starve the others, and for an owner that is to
    /// be notified of an end, an error or a cancellation.
    /// </summary>
    void IThreadPoolWorkItem.Execute()
    {
        bool isToReceive;
        using (_gate.Hold(this))
        {
            isToReceive = !HasResult;
            if (isToReceive ? !_isReadable || !TryBeginReceiveInsideLock() : !TryClaimInsideLock())
            {
                return; // an event in between has served the read
            }
        }

        if (isToReceive)
        {
            ReceiveFor(LoopThread.Current!);
        }
        else
        {
            Complete(asynchronously: !RunsHere);
        }
    }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<ReadResult>(cancellationToken);
        }

        bool isLeftToLoop;
        bool receivesHere;
        using (_gate.Hold(this))
        {
            ThrowUnlessFree();
            if (HasResult)
            {
                return TakeResultInsideLockAsync();
            }

            _owner = null;
            _wait ??= new ReadWait(this);
            _wait.Reset();
            isLeftToLoop = _isReadable && connection.RunInline && connection.IsCurrent;
            receivesHere = _isReadable && !isLeftToLoop;
            _phase = receivesHere ? ReadPhase.Receiving : ReadPhase.Waiting; // the loop receives for a waiting read only
        }

        if (receivesHere && ReceiveOrWait(thread: null))
        {
            using (_gate.Hold(this))
            {
                return TakeResultInsideLockAsync();
            }
        }

        ValueTask<ReadResult> pending = _wait.Task;
        _wait.Register(cancellationToken);
        if (isLeftToLoop)
        {
            connection.Loop.Post(this);
        }

        return pending;
    }

    public override bool TryRead(IInputOwner owner, out ReadResult result)
    {
        bool isReadable;
        using (_gate.Hold(this))
        {
            ThrowUnlessFree();
            if (HasResult)
            {
                result = TakeResultInsideLock();
                return true;
            }

            _wait = null;
            _owner = owner;
            _phase = ReadPhase.Waiting;
            isReadable = _isReadable;
        }

        if (isReadable)
        {
            connection.Loop.Post(this);
        }

        result = default;
        return false;
    }

    public override bool TryRead(out ReadResult result)
    {
        using (_gate.Hold(this))
        {
            ThrowUnlessFree();
            bool has = HasResult;
            result = has ? TakeResultInsideLock() : default;
            return has;
        }
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        using (_gate.Hold(this))
        {
            if (_phase != ReadPhase.HandedOut)
            {
                throw new InvalidOperationException("There is no read to advance: AdvanceTo follows a ReadAsync or TryRead that returned.");
            }

            _phase = ReadPhase.None;
            if (_buffer is null)
            {
                return;
            }

            // Positions of a sequence over one array are its indexes.
            int start = consumed.GetInteger();
            int seen = Math.Max(examined.GetInteger(), start);
            if (start < _start || seen > _end)
            {
                throw new ArgumentOutOfRangeException(nameof(consumed), "The position is not one of the buffer that was read.");
            }

            _start = start;
            _examined = seen;
            if (start == _end)
            {
                ReleaseBufferInsideLock();
            }
            else if (_isShared)
            {
                KeepRest();
            }
        }
    }

    public override void CancelPendingRead()
    {
        using (_gate.Hold(this))
        {
            _isCanceled = true;
        }

        WakeElsewhere(); // the caller must not run the reader's code
    }

    public override void Complete(Exception? exception = null)
    {
        using (_gate.Hold(this))
        {
            _isCompleted = true;
            if (_phase == ReadPhase.Receiving)
            {
                return; // the receiving thread releases the buffer
            }

            if (_phase == ReadPhase.HandedOut)
            {
                _phase = ReadPhase.None;
            }

            ReleaseBufferInsideLock();
        }
    }

    // Whether the reader continues on the loop's thread.
    private bool RunsHere => connection.RunInline || _owner is not null;

    private bool HasResult => _isCanceled || _hasEnded || _error is not null || _examined < _end;

    private void ThrowUnlessFree()
    {
        if (_isCompleted)
        {
            throw new InvalidOperationException("Reading is not allowed after the reader was completed.");
        }

        if (_phase is ReadPhase.HandedOut or ReadPhase.Waiting)
        {
            throw new InvalidOperationException("A read is in progress already; one at a time, each ended by AdvanceTo.");
        }
    }

    // Returns true to the one caller that must complete the pending read.
    private bool TryClaimInsideLock()
    {
        if (_phase != ReadPhase.Waiting)
        {
            return false;
        }

        _phase = ReadPhase.Claimed;
        return true;
    }

    // There is a result, and no thread has claimed the read: it ends on the pool, or, for an owner, on the loop.
    private void WakeElsewhere()
    {
        using (_gate.Hold(this))
        {
            if (_owner is null && !TryClaimInsideLock())
            {
                return;
            }
        }

        Complete(asynchronously: true);
    }

    private void Complete(bool asynchronously)
    {
        if (_owner is not { } owner)
        {
            _wait!.Complete(asynchronously);
        }
        else if (asynchronously)
        {
            connection.Loop.Post(this);
        }
        else
        {
            owner.OnInput(this);
        }
    }

    /// <summary>For <see cref="ReadWait"/>: the read's token was canceled.</summary>
    public void OnCanceled(CancellationToken cancellationToken)
    {
        using (_gate.Hold(this))
        {
            if (!TryClaimInsideLock())
            {
                return;
            }
        }

        _wait!.Fail(new OperationCanceledException(cancellationToken));
    }

    private ValueTask<ReadResult> TakeResultInsideLockAsync()
    {
        if (_error is { } error && !_isCanceled)
        {
            return ValueTask.FromException<ReadResult>(error);
        }

        return new ValueTask<ReadResult>(TakeResultInsideLock());
    }

    /// <summary>For <see cref="ReadWait"/>: the result of the read that has ended.</summary>
    public ReadResult TakeResult()
    {
        using (_gate.Hold(this))
        {
            return TakeResultInsideLock();
        }
    }

    private ReadResult TakeResultInsideLock()
    {
        bool isCanceled = _isCanceled;
        _isCanceled = false;
        if (_error is not null && !isCanceled)
        {
            throw _error;
        }

        _phase = ReadPhase.HandedOut;
        ReadOnlySequence<byte> bytes =
            _buffer is null ? ReadOnlySequence<byte>.Empty : new ReadOnlySequence<byte>(_buffer, _start, _end - _start);
        return new ReadResult(bytes, isCanceled, _hasEnded);
    }

    /// <summary>The phase of the one read that may be in progress. Changed under the lock only.</summary>
    private enum ReadPhase : byte
    {
        /// <summary>There is none.</summary>
        None,

        /// <summary>Pending: the thread that gets hold of it first, the loop's or a canceling one, completes it.</summary>
        Waiting,

        /// <summary>Claimed by a thread that receives for it; that thread alone uses the buffer.</summary>
        Receiving,

        /// <summary>Claimed, and its result, error or cancellation is on the way to the caller.</summary>
        Claimed,

        /// <summary>The caller has the bytes, until AdvanceTo.</summary>
        HandedOut,
    }
}
