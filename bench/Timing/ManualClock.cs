namespace Weir.Bench.Timing;

/// <summary>Time that moves on request, with space for the one timer of a wheel. Not thread-safe.</summary>
internal sealed class ManualClock : TimeProvider
{
    private ManualTimer? _timer;
    private long _now;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => _now;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        => _timer = new ManualTimer(this, callback, state);

    /// <summary>Advances and runs the timer's callback, on this thread, if it is due.</summary>
    public void Advance(TimeSpan step)
    {
        _now += step.Ticks;
        _timer?.RunIfDue();
    }

    private sealed class ManualTimer(ManualClock clock, TimerCallback callback, object? state) : ITimer
    {
        private long _due = long.MaxValue;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _due = dueTime == Timeout.InfiniteTimeSpan ? long.MaxValue : clock._now + dueTime.Ticks;
            return true;
        }

        public void RunIfDue()
        {
            if (_due <= clock._now)
            {
                _due = long.MaxValue;
                callback(state);
            }
        }

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
