using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Weir.Sending;

// The flush: begun by whoever turned _flushing on, run outside the gate until nothing waits or the pipe is full; and how it ends
// when the transport does.
internal sealed partial class ConnectionSender
{
    /// <summary>Starts the flush that a scope had put off.</summary>
    public void FlushDeferred()
    {
        using (_gate.Hold(this))
        {
            if (_deferredTo is null)
            {
                return; // a flush that began meanwhile took the bytes along
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
        DrainWait? drained;
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

            more = WriteWaiting(out drained);
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
            drained?.Complete(); // on this thread: the pool gave it to us just for this connection
        }
    }

    // The owner of _flushing runs this, outside the gate, until nothing waits or the pipe is full.
    private void Flush()
    {
        DrainWait? drained;
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
            while (WriteWaiting(out drained));
        }
        catch (Exception error)
        {
            Fail(error);
            return;
        }

        // The thread may be a publisher's in the middle of a room: it must not run another connection's loop.
        drained?.CompleteElsewhere();
    }

    private bool Accept(FlushResult result)
    {
        if (!result.IsCompleted && !result.IsCanceled)
        {
            _flushes++; // by the owner of the flush alone
            return true;
        }

        Fail(null); // the transport's reader has ended
        return false;
    }

    // A flush is over. Moves the next chunk into the pipe; when there is none, gives the flush (and the queue) back.
    private bool WriteWaiting(out DrainWait? drained)
    {
        drained = null;
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
            drained = GiveBackFlushInsideLock();
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
            hasRisen = RisesInsideLock(); // what the flush carries counts from now on
        }

        if (hasRisen)
        {
            _owner.OnPressure(isHigh: true);
        }

        queue.AwaitFlush(flush, this);
    }

    // Returns whom to tell, outside the gate, that everything has been taken.
    private DrainWait? GiveBackFlushInsideLock()
    {
        _flushing = false;
        _inFlush = 0;
        ReturnQueueInsideLock();

        DrainWait? drained = _drained;
        _drained = null;
        return drained;
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

    // For whoever was writing: part of a frame may be in the pipe, so that nothing sensible can follow.
    private SendResult Break(Exception error)
    {
        EndBecause(error, ownsFlush: false);
        return SendResult.Closed;
    }

    private void EndBecause(Exception? error, bool ownsFlush)
    {
        bool first;
        DrainWait? drained;
        using (_gate.Hold(this))
        {
            first = _phase != Phase.Ended;
            _flushing &= !ownsFlush;
            drained = EndInsideLock();
        }

        drained?.CompleteElsewhere();
        if (first)
        {
            _owner.OnTransportEnded(error);
        }
    }

    private DrainWait? EndInsideLock()
    {
        _phase = Phase.Ended;
        _deferredTo = null;
        _deflate?.Dispose();
        if (!_flushing)
        {
            return GiveBackFlushInsideLock();
        }

        _queue?.Clear(); // the queue itself goes back when the pending flush is over
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
