namespace Weir.Timing;

/// <summary>
/// Wheel time: real time since construction less the time the wheel has forgiven (see <see cref="TimerWheel"/>).
/// Positions are in units of 100 ns, as <see cref="TimeSpan.Ticks"/>; a tick begins at each multiple of the tick
/// length. Wheel time never runs faster than real time, which is why no node fires early. Guarded by the wheel's lock,
/// but for reading real time, and for who only wants to know whether it is worth taking the lock.
/// </summary>
internal sealed class WheelClock
{
    private readonly TimeProvider _timeProvider;
    private readonly long _startTimestamp;
    private readonly long _tickLength;
    private long _forgiven;

    public WheelClock(TimeProvider timeProvider, TimeSpan tick)
    {
        _timeProvider = timeProvider;
        _tickLength = tick.Ticks;
        _startTimestamp = timeProvider.GetTimestamp();
    }

    /// <summary>
    /// Real time since construction. Read it before taking the lock: a <see cref="TimeProvider"/> made for tests may
    /// run timer callbacks on whichever thread asks it for the time.
    /// </summary>
    public TimeSpan ReadElapsed() => _timeProvider.GetElapsedTime(_startTimestamp);

    /// <summary>
    /// Where in wheel time that is, but not before the current tick: by the time the lock is taken the reading may be
    /// so old that what followed it has been forgiven.
    /// </summary>
    public long PositionAt(TimeSpan elapsed, long currentTick) =>
        Math.Max(elapsed.Ticks - _forgiven, currentTick * _tickLength);

    public long TickAt(long position) => position / _tickLength;

    /// <summary>
    /// The first tick at or after <paramref name="dueIn"/> from the position; 0 when that is not in the future.
    /// </summary>
    public long DueTick(long position, TimeSpan dueIn)
    {
        if (dueIn <= TimeSpan.Zero)
        {
            return 0;
        }

        // Two non-negative longs fit an ulong: even TimeSpan.MaxValue needs no other care.
        ulong due = (ulong)position + (ulong)dueIn.Ticks;
        return (long)((due - 1) / (ulong)_tickLength) + 1;
    }

    /// <summary>
    /// Real time until a tick begins, rounded up to the whole milliseconds that timers count in: rounded down, the
    /// timer would wake just before the tick, for nothing.
    /// </summary>
    public TimeSpan Until(long tick, long position)
    {
        double milliseconds = Math.Ceiling(TimeSpan.FromTicks((tick * _tickLength) - position).TotalMilliseconds);
        return TimeSpan.FromMilliseconds(Math.Max(1, milliseconds));
    }

    /// <summary>How long ago, in units of 100 ns, a tick began that has begun.</summary>
    public long Since(long tick, long position) => position - (tick * _tickLength);

    /// <summary>
    /// Takes whole ticks out of wheel time, so that ticks keep beginning at the same real instants. Returns how much
    /// real time that is.
    /// </summary>
    public TimeSpan Forgive(long ticks)
    {
        _forgiven += ticks * _tickLength;
        return TimeSpan.FromTicks(ticks * _tickLength);
    }
}
