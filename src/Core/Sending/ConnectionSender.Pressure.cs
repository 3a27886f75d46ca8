namespace Weir.Sending;

// What happens when the peer does not take what it is sent: waiting, high-water marks, policies, and the account of it.
internal sealed partial class ConnectionSender
{
    private long _bytesInLedger;
    private int _dropped;
    private bool _isHigh;

    /// <summary>Bytes the transport has not taken: in the queue, or handed over in a flush that is not over.</summary>
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

    /// <summary>Bytes in the queue alone.</summary>
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

    /// <summary>The sender's place in the ledger, which owns it; -1: not listed.</summary>
    internal int LedgerIndex { get; set; } = -1;

    private long PendingInsideLock => _inFlush + (_queue?.Bytes ?? 0);

    /// <summary>Closes the connection if its oldest message has waited too long.</summary>
    /// <param name="maxDelayTicks">The longest wait allowed.</param>
    /// <returns>In how many ticks to look again; null when nothing waits, or the connection was closed.</returns>
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

    /// <summary>Drops what waits and closes the connection as too slow. Returns how many bytes that freed.</summary>
    public long CloseAsTooSlow()
    {
        long freed;
        Outcome outcome;
        try
        {
            using (_gate.Hold(this))
            {
                if (_phase != Phase.Open)
                {
                    return 0;
                }

                freed = _queue?.Bytes ?? 0;
                outcome = CloseAsTooSlowInsideLock();
                freed -= _queue?.Bytes ?? 0;
            }
        }
        catch (Exception error)
        {
            Break(error);
            return 0;
        }

        Finish(outcome);
        _owner.OnTooSlow();
        return freed;
    }

    private Outcome WaitInsideLock(FrameRun run, string? key)
    {
        PressureSettings pressure = _settings.Pressure;
        SendQueue queue = QueueInsideLock();
        bool mayReplace = key is not null && pressure.Policy == PressurePolicy.KeepLatest;
        if (mayReplace && queue.TryReplace(run, key!))
        {
            _dropped++;
            AccountInsideLock();
            return Outcome.Queued | Outcome.DroppedOlder;
        }

        Outcome outcome = Outcome.Queued;
        if (PendingInsideLock + run.Length > pressure.CloseAtBytes && queue.HasMessages)
        {
            switch (pressure.Policy)
            {
                case PressurePolicy.DropNewest:
                    _dropped += run.Count;
                    return Outcome.Refused;
                case PressurePolicy.DropOldest:
                    _dropped += queue.DropOldest(Math.Max(0, pressure.CloseAtBytes - _inFlush - run.Length));
                    outcome |= Outcome.DroppedOlder;
                    break;
                default:
                    CloseAsTooSlowInsideLock();
                    return Outcome.TooSlow;
            }
        }

        if (!queue.HasMessages)
        {
            outcome |= Outcome.Began;
        }

        queue.Enqueue(run, 0, run.Length, _owner.CurrentTick, mayReplace ? key : null);
        AccountInsideLock();
        return outcome | (RisesInsideLock() ? Outcome.High : 0);
    }

    private Outcome CloseAsTooSlowInsideLock()
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

    // Every way to get and to lose a queue, and every change of what is in it, passes here: the node's account is exact.
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

    private SendResult FinishSlowly(Outcome outcome)
    {
        if ((outcome & (Outcome.Refused | Outcome.DroppedOlder)) != 0)
        {
            int dropped;
            using (_gate.Hold(this))
            {
                dropped = _dropped;
                _dropped = 0;
            }

            if (dropped > 0)
            {
                _owner.OnDropped(dropped); // those of other threads included, which then find none
            }
        }

        if ((outcome & Outcome.TooSlow) != 0)
        {
            _owner.OnTooSlow();
            return SendResult.Dropped;
        }

        if ((outcome & Outcome.Refused) != 0)
        {
            return SendResult.Dropped;
        }

        if ((outcome & Outcome.Began) != 0)
        {
            _owner.OnQueueBegan();
        }

        if ((outcome & Outcome.High) != 0)
        {
            _owner.OnPressure(isHigh: true);
        }

        if (_settings.Ledger.IsOverBudget)
        {
            _settings.Ledger.Shed();
        }

        return (outcome & Outcome.Queued) != 0 ? SendResult.Queued : SendResult.Sent;
    }
}
