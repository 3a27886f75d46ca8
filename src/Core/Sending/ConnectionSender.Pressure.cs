namespace Weir.Sending;

// Backpressure: the queue, the high-water mark, the policies, and the accounting.
internal sealed partial class ConnectionSender
{
    private long _bytesInLedger;
    private int _dropped;
    private bool _isHigh;

    /// <summary>Bytes the transport has not taken: queued, or in a pending flush.</summary>
    public long PendingBytes
    {
        get
        {
            using (_gate.Hold(this))
            {
                return PendingInsideLock;
            }
        }
    }

    /// <summary>Bytes in the queue only.</summary>
    public long QueuedBytes
    {
        get
        {
            using (_gate.Hold(this))
            {
                return _queue?.Bytes ?? 0;
            }
        }
    }

    /// <summary>The sender's index in the ledger, which owns it; -1: not listed.</summary>
    internal int LedgerIndex { get; set; } = -1;

    private long PendingInsideLock => _inFlush + (_queue?.Bytes ?? 0);

    /// <summary>Closes the connection if its oldest message has waited too long.</summary>
    /// <param name="maxDelayTicks">The longest wait allowed.</param>
    /// <returns>In how many ticks to check again; <c>null</c> if no message waits, or the connection was closed.</returns>
    public long? CheckDelay(long maxDelayTicks)
    {
        using (_gate.Hold(this))
        {
            if (_phase != Phase.Open || _queue is not { HasMessages: true } queue)
            {
                return null;
            }

            long left = queue.OldestTick + maxDelayTicks - _owner.CurrentTick;
            if (left > 0)
            {
                return left;
            }
        }

        CloseAsTooSlow();
        return null;
    }

    /// <summary>Drops the queued messages and closes the connection as too slow. Returns how many bytes that freed.</summary>
    public long CloseAsTooSlow()
    {
        long freed;
        NextStep next;
        try
        {
            using (_gate.Hold(this))
            {
                if (_phase != Phase.Open)
                {
                    return 0;
                }

                freed = _queue?.Bytes ?? 0;
                next = CloseAsTooSlowInsideLock();
                freed -= _queue?.Bytes ?? 0;
            }
        }
        catch (Exception error)
        {
            Break(error);
            return 0;
        }

        Finish(next);
        _owner.OnTooSlow();
        return freed;
    }

    private NextStep WaitInsideLock(SharedFrames batch, string? key)
    {
        PressureSettings pressure = _settings.Pressure;
        SendQueue queue = QueueInsideLock();
        bool mayReplace = key is not null && pressure.Policy == PressurePolicy.KeepLatest;
        if (mayReplace && queue.TryReplace(batch, key!))
        {
            _dropped++;
            AccountInsideLock();
            return NextStep.Queued | NextStep.DroppedOlder;
        }

        NextStep next = NextStep.Queued;
        if (PendingInsideLock + batch.Length > pressure.CloseAtBytes && queue.HasMessages)
        {
            switch (pressure.Policy)
            {
                case PressurePolicy.DropNewest:
                    _dropped += batch.Count;
                    return NextStep.Refused;
                case PressurePolicy.DropOldest:
                    _dropped += queue.DropOldest(Math.Max(0, pressure.CloseAtBytes - _inFlush - batch.Length));
                    next |= NextStep.DroppedOlder;
                    break;
                default:
                    CloseAsTooSlowInsideLock();
                    return NextStep.TooSlow;
            }
        }

        if (!queue.HasMessages)
        {
            next |= NextStep.Began;
        }

        queue.Enqueue(batch, 0, batch.Length, _owner.CurrentTick, mayReplace ? key : null);
        AccountInsideLock();
        return next | (RisesInsideLock() ? NextStep.High : 0);
    }

    private NextStep CloseAsTooSlowInsideLock()
    {
        _queue?.DropUnstarted();
        AccountInsideLock();
        return CloseInsideLock(_settings.Pressure.CloseCode, _settings.Pressure.CloseReason);
    }

    private bool RisesInsideLock()
    {
        long mark = _settings.Pressure.HighWaterBytes;
        if (_isHigh || mark == 0 || PendingInsideLock < mark || _phase != Phase.Open)
        {
            return false;
        }

        return _isHigh = true;
    }

    private bool FallsInsideLock()
    {
        bool falls = _isHigh && _phase == Phase.Open;
        _isHigh = false;
        return falls;
    }

    // Every rent and return of a queue and every change of its content passes here: the node's account is exact.
    private SendQueue QueueInsideLock()
    {
        if (_queue is null)
        {
            _queue = SendQueue.Rent();
            _settings.Ledger.Enter(this);
        }

        return _queue;
    }

    private void ReturnQueueInsideLock()
    {
        if (_queue is { } queue)
        {
            queue.Clear();
            _queue = null;
            SendQueue.Return(queue);
            AccountInsideLock();
            _settings.Ledger.Leave(this);
        }
    }

    private void AccountInsideLock()
    {
        long bytes = _queue?.Bytes ?? 0;
        if (bytes != _bytesInLedger)
        {
            _settings.Ledger.Add(bytes - _bytesInLedger);
            _bytesInLedger = bytes;
        }
    }

    private SendResult FinishSlowly(NextStep next)
    {
        if ((next & (NextStep.Refused | NextStep.DroppedOlder)) != 0)
        {
            int dropped;
            using (_gate.Hold(this))
            {
                dropped = _dropped;
                _dropped = 0;
            }

            if (dropped > 0)
            {
                _owner.OnDropped(dropped); // includes those of other threads, which then read 0
            }
        }

        if ((next & NextStep.TooSlow) != 0)
        {
            _owner.OnTooSlow();
            return SendResult.Dropped;
        }

        if ((next & NextStep.Refused) != 0)
        {
            return SendResult.Dropped;
        }

        if ((next & NextStep.Began) != 0)
        {
            _owner.OnQueueBegan();
        }

        if ((next & NextStep.High) != 0)
        {
            _owner.OnPressure(isHigh: true);
        }

        if (_settings.Ledger.IsOverBudget)
        {
            _settings.Ledger.Shed();
        }

        return (next & NextStep.Queued) != 0 ? SendResult.Queued : SendResult.Sent;
    }
}
