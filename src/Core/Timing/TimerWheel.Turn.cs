using System.Diagnostics;
using Weir.Buffers;

namespace Weir.Timing;

// The wheel's turns: keeping time, running ticks, stopping while no node is scheduled.
public sealed partial class TimerWheel
{
    /// <summary>A node is first prefetched this many calls before its own.</summary>
    internal const int NodesAhead = 4;

    // A cascade may move hundreds of thousands of nodes; Schedule and Cancel can take the lock between batches of this size.
    private const int CascadeBatch = 1024;

    /// <summary>
    /// Runs every tick that has begun, calls the due nodes, in order, and arms the timer for the next. Called by the timer.
    /// </summary>
    private void Turn()
    {
        if (!TryBeginTurn())
        {
            return;
        }

        do
        {
            while (TryBeginTick())
            {
                DetachDue();
            }

            CallExpired();
        }
        while (!TryEndTurn());

        Arm();
    }

    // A timer that is armed again just when it is due may fire twice. The turn under way covers both.
    private bool TryBeginTurn()
    {
        lock (_gate)
        {
            bool begins = !_isTurning;
            _isTurning = true;
            return begins;
        }
    }

    /// <summary>Advances by one tick, if one has begun.</summary>
    private bool TryBeginTick()
    {
        TimeSpan elapsed = _clock.ReadElapsed();
        TimeSpan forgiven;
        long late = 0;
        bool begun;
        lock (_gate)
        {
            if (_count == 0 || _disposed)
            {
                return false;
            }

            long position = SynchronizeInsideLock(elapsed, out forgiven);
            begun = _clock.TickAt(position) > _currentTick;
            if (begun)
            {
                Volatile.Write(ref _currentTick, _currentTick + 1);
                late = _clock.Since(_currentTick, position) + _forgivenSinceTick;
                _forgivenSinceTick = 0;
            }
        }

        LogIfForgiven(forgiven);
        if (begun && _lag is { Enabled: true } lag)
        {
            lag.Record(TimeSpan.FromTicks(late).TotalSeconds);
        }

        return begun;
    }

    private void DetachDue()
    {
        bool more = true;
        while (more)
        {
            lock (_gate)
            {
                more = _slots.CascadeSome(_currentTick, CascadeBatch);
                if (!more)
                {
                    _expired.TakeAll(_slots.Due(_currentTick));
                }
            }
        }
    }

    private void CallExpired()
    {
        for (int left = _sharesThread ? CallsAtOnce : int.MaxValue; left > 0 && TakeExpired() is { } node; left--)
        {
            FetchAhead();
            try
            {
                node.OnExpired();
            }
            catch (Exception exception)
            {
                // One node's exception must not cost all other connections their timeouts.
                Log.CallbackFailed(_logger, node.GetType(), exception);
            }
        }
    }

    // Returns false if another tick has begun meanwhile. A turn that ends before all nodes are called has yielded; it resumes
    // when possible.
    private bool TryEndTurn()
    {
        TimeSpan elapsed = _clock.ReadElapsed();
        TimeSpan forgiven = TimeSpan.Zero;
        bool ends = true;
        lock (_gate)
        {
            if (_count == 0 || _disposed)
            {
                // Stopping means not arming the timer: the next call of Schedule finds the wheel stopped and arms it.
                Volatile.Write(ref _wakeTick, Never);
            }
            else if (_expired.First is null)
            {
                long position = SynchronizeInsideLock(elapsed, out forgiven);
                ends = _clock.TickAt(position) == _currentTick;
                if (ends)
                {
                    // Also covers a timer that fired a little early.
                    Volatile.Write(ref _wakeTick, _slots.NextToRun(_currentTick, LongestSleep));
                }
            }

            _isTurning = !ends;
        }

        LogIfForgiven(forgiven);
        return ends;
    }

    // Nodes due together are scattered in memory. Without the lock: a node that is moved meanwhile leads to some that are not
    // due, and prefetching those is harmless.
    private void FetchAhead()
    {
        TimerNode? node = _expired.First;
        for (int before = 1; before < NodesAhead && node is not null and not TimerList; before++)
        {
            node.FetchAhead(before);
            node = Volatile.Read(ref node.Next);
        }

        Prefetch.Instance(node);
    }

    private TimerNode? TakeExpired()
    {
        lock (_gate)
        {
            TimerNode? node = _expired.First;
            if (node is not null)
            {
                TryTakeOutInsideLock(node);
            }

            return node;
        }
    }

    /// <summary>
    /// Converts real time into wheel time, after settling the time that must not count: ticks before the one the wheel sleeps for
    /// pass in one step, since no node is due at them, and an overrun shrinks to one tick, the rest being forgiven.
    /// </summary>
    private long SynchronizeInsideLock(TimeSpan elapsed, out TimeSpan forgiven)
    {
        Debug.Assert(_gate.IsHeldByCurrentThread);
        forgiven = TimeSpan.Zero;
        long position = _clock.PositionAt(elapsed, _currentTick);
        long tick = _clock.TickAt(position);
        long sleptUntil = Math.Min(tick, _wakeTick - 1);
        if (sleptUntil > _currentTick)
        {
            Volatile.Write(ref _currentTick, sleptUntil);
        }

        long behind = tick - _currentTick;
        if (behind > MaxCatchUpTicks)
        {
            forgiven = _clock.Forgive(behind - 1);
            position -= forgiven.Ticks;
            _forgivenSinceTick += forgiven.Ticks;
        }

        return position;
    }

    // Usually no tick has passed since the last read, which can be seen without the lock.
    private long ReadClockOfSleepingWheel(long currentTick, long wakeTick)
    {
        TimeSpan elapsed = _clock.ReadElapsed();
        if (Math.Min(_clock.TickAt(_clock.PositionAt(elapsed, currentTick)), wakeTick - 1) == currentTick)
        {
            return currentTick;
        }

        TimeSpan forgiven;
        lock (_gate)
        {
            SynchronizeInsideLock(elapsed, out forgiven);
            currentTick = _currentTick;
        }

        LogIfForgiven(forgiven);
        return currentTick;
    }

    // Outside the gate, since a TimeProvider may call back from inside Change. The last caller arms the timer for the current
    // state. False from Change means disposed.
    private void Arm()
    {
        TimeSpan elapsed = _clock.ReadElapsed();
        lock (_arming)
        {
            TimeSpan wait;
            lock (_gate)
            {
                if (_isTurning || _wakeTick == Never)
                {
                    return;
                }

                wait = _wakeTick > _currentTick ? _clock.Until(_wakeTick, _clock.PositionAt(elapsed, _currentTick)) : TimeSpan.Zero;
            }

            _timer.Change(wait, Timeout.InfiniteTimeSpan);
        }
    }

    private void LogIfForgiven(TimeSpan forgiven)
    {
        if (forgiven > TimeSpan.Zero)
        {
            Log.Overrun(_logger, forgiven.TotalMilliseconds);
        }
    }
}
