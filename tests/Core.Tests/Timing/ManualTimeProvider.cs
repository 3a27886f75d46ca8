using Weir.Timing;
using Xunit;

namespace Weir.Core.Tests.Timing;

/// <summary>
/// A clock with the one timer of a wheel. Unlike <c>FakeTimeProvider</c> it allocates nothing when moved, counts how
/// often the timer is armed and wakes, and can move without waking it (a process that does not get to run). For one
/// thread.
/// </summary>
internal sealed class ManualTimeProvider : TimeProvider
{
    private TimerCallback? _callback;
    private object? _state;
    private long? _dueAt;
    private bool _disposed;
    private long _now;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public int Armed { get; private set; }

    public int Wakeups { get; private set; }

    /// <summary>When the timer is due, from now; null when it is not armed.</summary>
    public TimeSpan? DueIn => _dueAt is { } dueAt ? TimeSpan.FromTicks(dueAt - _now) : null;

    /// <summary>How much too early the timer may wake, as timers on a coarse system clock do.</summary>
    public TimeSpan Early { get; set; }

    /// <summary>Happens once, right after the next reading of the clock and before its reader gets to use it.</summary>
    public Action? AfterReading { get; set; }

    public override long GetTimestamp()
    {
        long now = _now;
        if (AfterReading is { } once)
        {
            AfterReading = null;
            once();
        }

        return now;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Assert.Null(_callback);
        Assert.Equal(Timeout.InfiniteTimeSpan, dueTime);
        _callback = callback;
        _state = state;
        return new Handle(this);
    }

    /// <summary>As the timer of a thread that serves connections as well.</summary>
    public LoopTimeProvider OfALoop() => new Loop(this);

    /// <summary>The timer calls, whether it is armed or not.</summary>
    public void CallTimer() => _callback!(_state);

    public void AdvanceAsleep(TimeSpan by) => _now += by.Ticks;

    /// <summary>Moves in one leap and then wakes the timer, once, if it was due on the way.</summary>
    public void Advance(TimeSpan by)
    {
        AdvanceAsleep(by);
        if (_dueAt is { } dueAt && dueAt - Early.Ticks <= _now)
        {
            _dueAt = null;
            Wakeups++;
            _callback!(_state);
        }
    }

    private sealed class Loop(ManualTimeProvider owner) : LoopTimeProvider
    {
        public override long TimestampFrequency => owner.TimestampFrequency;

        public override long GetTimestamp() => owner.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
            => owner.CreateTimer(callback, state, dueTime, period);
    }

    private sealed class Handle(ManualTimeProvider owner) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Assert.True(dueTime >= TimeSpan.Zero && period == Timeout.InfiniteTimeSpan);
            if (owner._disposed)
            {
                return false;
            }

            owner.Armed++;
            owner._dueAt = owner._now + dueTime.Ticks;
            return true;
        }

        public void Dispose()
        {
            owner._disposed = true;
            owner._dueAt = null;
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
