using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Weir.Sending;

// The flush: the thread that set _flushing runs it outside the gate until the queue is empty or the pipe is full. Also the
// sender's end when the transport ends.
internal sealed partial class ConnectionSender
{
    /// <summary>Starts the flush that a scope has deferred.</summary>
    public void FlushDeferred()
    {
        using (_gate.Hold(this))
        {
            if (_deferredTo is null)
            {
                return; // a flush that began meanwhile includes the bytes
            }

            _deferredTo = null;
            if (_flushing || _phase == Phase.Ended)
            {
                return;
            }

            StartFlushInsideLock();
        }

        Flush();
    }

    internal void OnFlushed(ConfiguredValueTaskAwaitable<FlushResult>.ConfiguredValueTaskAwaiter flush)
    {
        FlushWaiter? waiter;
        bool more;
        try
        {
            if (!Accept(flush.GetResult()))
            {
                return;
            }

            long began = _flushBegan;
            Volatile.Write(ref _flushBegan, 0);
            if (_owner.CurrentTick - began >= LongFlushTicks)
            {
                _owner.OnTaken();
            }

            more = WriteWaiting(out waiter);
        }
        catch (Exception error)
        {
            Fail(error);
            return;
        }

        if (more)
        {
            Flush();
        }
        else
        {
            waiter?.Complete(); // on this thread, a pool thread that serves only this connection
        }
    }

    // The owner of _flushing runs this, outside the gate, until the queue is empty or the pipe is full.
    private void Flush()
    {
        FlushWaiter? waiter;
        try
        {
            do
            {
                ValueTask<FlushResult> flush = _output.FlushAsync();
                if (!flush.IsCompleted)
                {
                    WaitForFlush(flush);
                    return;
                }

                if (!Accept(flush.GetAwaiter().GetResult()))
                {
                    return;
                }
            }
            while (WriteWaiting(out waiter));
        }
        catch (Exception error)
        {
            Fail(error);
            return;
        }

        // The thread may be a publisher's that iterates a room: it must not run another connection's loop.
        waiter?.CompleteElsewhere();
    }

    private bool Accept(FlushResult result)
    {
        if (!result.IsCompleted && !result.IsCanceled)
        {
            _flushes++; // only by the owner of the flush
            return true;
        }

        Fail(null); // the transport's reader has ended
        return false;
    }

    // After a flush. Moves the next chunk into the pipe; if there is none, releases the flush and the queue.
    private bool WriteWaiting(out FlushWaiter? waiter)
    {
        waiter = null;
        bool hasFallen;
        using (_gate.Hold(this))
        {
            if (_queue is { } queue && _phase != Phase.Ended)
            {
                MoveChunkInsideLock(queue);
            }

            if (_unflushed > 0 && _phase != Phase.Ended)
            {
                _inFlush = _unflushed;
                _unflushed = 0;
                return true;
            }

            hasFallen = FallsInsideLock();
            waiter = ReleaseFlushInsideLock();
        }

        if (hasFallen)
        {
            _owner.OnPressure(isHigh: false);
        }

        return false;
    }

    // The pipe is full. Called by the owner of the flush.
    private void WaitForFlush(ValueTask<FlushResult> flush)
    {
        SendQueue queue;
        bool hasRisen;
        using (_gate.Hold(this))
        {
            queue = QueueInsideLock();
            _flushBegan = Math.Max(1, _owner.CurrentTick);
            hasRisen = RisesInsideLock(); // the bytes in the flush count from now on
        }

        if (hasRisen)
        {
            _owner.OnPressure(isHigh: true);
        }

        queue.AwaitFlush(flush, this);
    }

    // Returns the waiter to complete, outside the gate, now that the transport has taken all bytes.
    private FlushWaiter? ReleaseFlushInsideLock()
    {
        _flushing = false;
        _inFlush = 0;
        ReturnQueueInsideLock();

        FlushWaiter? waiter = _flushWaiter;
        _flushWaiter = null;
        return waiter;
    }

    private void MoveChunkInsideLock(SendQueue queue)
    {
        while (_unflushed < _chunkBytes && !queue.IsEmpty)
        {
            ReadOnlySpan<byte> piece = queue.Peek(_chunkBytes - _unflushed);
            _output.Write(piece);
            _unflushed += piece.Length;
            queue.Advance(piece.Length);
        }

        AccountInsideLock();
    }

    // For the owner of the flush.
    private void Fail(Exception? error) => EndBecause(error, ownsFlush: true);

    // For the writing thread: part of a frame may be in the pipe, so that no valid bytes can follow.
    private SendResult Break(Exception error)
    {
        EndBecause(error, ownsFlush: false);
        return SendResult.Closed;
    }

    private void EndBecause(Exception? error, bool ownsFlush)
    {
        bool first;
        FlushWaiter? waiter;
        using (_gate.Hold(this))
        {
            first = _phase != Phase.Ended;
            _flushing &= !ownsFlush;
            waiter = EndInsideLock();
        }

        waiter?.CompleteElsewhere();
        if (first)
        {
            _owner.OnTransportEnded(error);
        }
    }

    private FlushWaiter? EndInsideLock()
    {
        _phase = Phase.Ended;
        _deferredTo = null;
        _deflate?.Dispose();
        if (!_flushing)
        {
            return ReleaseFlushInsideLock();
        }

        _queue?.Clear(); // the queue itself is returned when the pending flush is over
        AccountInsideLock();
        return null;
    }

    private void StartFlushInsideLock()
    {
        _flushing = true;
        _deferredTo = null;
        _inFlush = _unflushed;
        _unflushed = 0;
    }
}
