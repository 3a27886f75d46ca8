namespace Weir.Timing;

/// <summary>
/// Wheel time: real time since construction less the time the wheel has forgiven (see <see cref="TimerWheel"/>). Positions are in
/// units of 100 ns, as <see cref="TimeSpan.Ticks"/>; a tick begins at each multiple of the tick length. Wheel time never runs
/// faster than real time, which is why no node fires early. Guarded by the wheel's lock, except for reading real time, and for
/// checking whether the lock has to be taken.
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
    /// Real time since construction. Read it before taking the lock: a <see cref="TimeProvider"/> for tests may run timer
    /// callbacks on the thread that reads the time.
    /// </summary>
    public TimeSpan ReadElapsed() => _timeProvider.GetElapsedTime(_startTimestamp);

    /// <summary>
    /// The wheel-time position of a reading, but not before the current tick: by the time the lock is taken the reading may be so
    /// old that later time has been forgiven.
    /// </summary>
    public long PositionAt(TimeSpan elapsed, long currentTick) =>
        Math.Max(elapsed.Ticks - _forgiven, currentTick * _tickLength);

    public long TickAt(long position) => position / _tickLength;

    /// <summary>
    /// The first tick at or after <paramref name="dueIn"/> from the position; 0 if that is not in the future.
    /// </summary>
    public long DueTick(long position, TimeSpan dueIn)
    {
        if (dueIn <= TimeSpan.Zero)
        {
            return 0;
        }

        // The sum of two non-negative longs fits a ulong: even TimeSpan.MaxValue needs no other check.
        ulong due = (ulong)position + (ulong)dueIn.Ticks;
        return (long)((due - 1) / (ulong)_tickLength) + 1;
    }

    /// <summary>
    /// Real time until a tick begins, rounded up to the whole milliseconds of timers: rounded down, the timer would fire just
    /// before the tick, to no effect.
    /// </summary>
    public TimeSpan Until(long tick, long position)
    {
        double milliseconds = Math.Ceiling(TimeSpan.FromTicks((tick * _tickLength) - position).TotalMilliseconds);
        return TimeSpan.FromMilliseconds(Math.Max(1, milliseconds));
    }

    /// <summary>How long ago, in units of 100 ns, a past tick began.</summary>
    public long Since(long tick, long position) => position - (tick * _tickLength);

    /// <summary>
    /// Removes whole ticks from wheel time, so that ticks still begin at the same real instants. Returns the real time of those ticks.
    /// </summary>
    public TimeSpan Forgive(long ticks)
    {
        _forgiven += ticks * _tickLength;
        return TimeSpan.FromTicks(ticks * _tickLength);
    }
}
