using System.Diagnostics;
using Weir.Buffers;

namespace Weir.Timing;

// The wheel's own thread of work: keeping time, running ticks, stopping when there is nothing to wait for.
internal sealed partial class TimerWheel
{
    /// <summary>How many calls before its own a node is first looked at.</summary>
    internal const int NodesAhead = 4;

    // A cascade may move hundreds of thousands of nodes; Schedule and Cancel get in between batches of this size.
    private const int CascadeBatch = 1024;

    /// <summary>
    /// Runs every tick that has begun, in order, then arms the timer for the next one. Called by the timer, which stays
    /// unarmed meanwhile: a single turn is under way at any time.
    /// </summary>
    private void Turn()
    {
        TimeSpan? untilNext;
        while (TryBeginTick(out untilNext))
        {
            DetachDue();
            CallExpired();
        }

        if (untilNext is { } wait)
        {
            Arm(wait);
        }
    }

    /// <summary>
    /// Moves on by one tick, if one has begun. Otherwise says how long to wait for it: null when the wheel has stopped.
    /// </summary>
    private bool TryBeginTick(out TimeSpan? untilNext)
    {
        TimeSpan elapsed = _clock.ReadElapsed();
        TimeSpan forgiven;
        long late = 0;
        bool begun;
        lock (_gate)
        {
            untilNext = null;
            if (_count == 0 || _disposed)
            {
                // Stopping is not arming the timer: whoever schedules next finds the wheel stopped and arms it.
                Volatile.Write(ref _running, false);
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
            else
            {
                // Also the answer to a timer that woke a little early.
                untilNext = _clock.Until(_currentTick + 1, position);
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
        while (TakeExpired() is { } node)
        {
            FetchAhead();
            try
            {
                node.OnExpired();
            }
            catch (Exception exception)
            {
                // One node's fault must not cost all other connections their time-outs.
                Log.CallbackFailed(_logger, node.GetType(), exception);
            }
        }
    }

    // What is due together lies all over memory. Without the lock: a node that is moved meanwhile leads to some that are not due,
    // and what is fetched of them is not needed.
    private void FetchAhead()
    {
        TimerNode? node = _expired.First;
        for (int before = 1; before < NodesAhead && node is not null and not TimerList; before++)
        {
            node.FetchAhead(before);
            node = Volatile.Read(ref node.Next);
        }

        Prefetch.Object(node);
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
    /// Turns real time into wheel time, after settling what must not count: a stopped wheel (empty, so ticks may be
    /// skipped) catches up with real time in one step, and an overrun shrinks to one tick, the rest being forgiven.
    /// </summary>
    private long SynchronizeInsideLock(TimeSpan elapsed, out TimeSpan forgiven)
    {
        Debug.Assert(_gate.IsHeldByCurrentThread);
        forgiven = TimeSpan.Zero;
        long position = _clock.PositionAt(elapsed, _currentTick);
        long behind = _clock.TickAt(position) - _currentTick;
        if (!_running)
        {
            Volatile.Write(ref _currentTick, _currentTick + behind);
        }
        else if (behind > MaxCatchUpTicks)
        {
            forgiven = _clock.Forgive(behind - 1);
            position -= forgiven.Ticks;
            _forgivenSinceTick += forgiven.Ticks;
        }

        return position;
    }

    private long ReadStoppedClock()
    {
        TimeSpan elapsed = _clock.ReadElapsed();
        TimeSpan forgiven;
        long tick;
        lock (_gate)
        {
            SynchronizeInsideLock(elapsed, out forgiven);
            tick = _currentTick;
        }

        LogIfForgiven(forgiven);
        return tick;
    }

    // Outside the lock, since a TimeProvider may call back from inside Change. No two threads arm at once: only the one
    // that started the wheel and, from then on, its turns. False from Change means disposed.
    private void Arm(TimeSpan wait) => _timer.Change(wait, Timeout.InfiniteTimeSpan);

    private void LogIfForgiven(TimeSpan forgiven)
    {
        if (forgiven > TimeSpan.Zero)
        {
            Log.Overrun(_logger, forgiven.TotalMilliseconds);
        }
    }
}
