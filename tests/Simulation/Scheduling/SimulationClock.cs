namespace Weir.Simulation.Scheduling;

/// <summary>A clock that advances from timer to timer. Timers due at the same moment run in the order in which they were set.</summary>
internal sealed class SimulationClock : TimeProvider
{
    private readonly PriorityQueue<(Timer Timer, int Version), (long Due, long Order)> _timers = new();
    private long _now = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).Ticks;
    private long _order;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override long GetTimestamp() => _now;

    public override DateTimeOffset GetUtcNow() => new(_now, TimeSpan.Zero);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Timer timer = new(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>
    /// Runs the next timer, unless it is later than <paramref name="end"/>: then the clock stands there, and it returns false.
    /// </summary>
    public bool TryAdvanceTo(DateTimeOffset end)
    {
        while (_timers.TryPeek(out (Timer Timer, int Version) next, out (long Due, long Order) at))
        {
            if (next.Timer.Version != next.Version)
            {
                _timers.Dequeue();
                continue;
            }

            if (at.Due > end.Ticks)
            {
                break;
            }

            _timers.Dequeue();
            _now = Math.Max(_now, at.Due);
            next.Timer.Fire();
            return true;
        }

        _now = Math.Max(_now, end.Ticks);
        return false;
    }

    private sealed class Timer(SimulationClock clock, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan _period;

        public int Version { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _period = period;
            Version++;
            if (dueTime != Timeout.InfiniteTimeSpan)
            {
                clock._timers.Enqueue((this, Version), (clock._now + dueTime.Ticks, clock._order++));
            }

            return true;
        }

        public void Fire()
        {
            Version++;
            if (_period > TimeSpan.Zero)
            {
                Change(_period, _period);
            }

            callback(state);
        }

        public void Dispose() => Version++;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
