namespace Weir.Timing;

/// <summary>What ends at a time of the wall clock; scheduled in at most one <see cref="Calendar"/>.</summary>
internal abstract class CalendarEntry
{
    // Owned by the calendar and written only inside its lock. The index in the heap; -1: not scheduled.
    internal int Index = -1;
    internal long DueTicks = long.MaxValue;

    /// <summary>
    /// Whether its time has come at <paramref name="now"/>, called or not: what the timer has had no turn to end yet must not be
    /// treated as valid. Free to read on any thread.
    /// </summary>
    public bool IsDueAt(DateTimeOffset now) => Volatile.Read(ref DueTicks) <= now.UtcTicks;

    /// <summary>
    /// Runs when the entry is due, on the timer's thread, outside the calendar's lock. It must be quick and must not block; what it
    /// throws is logged and dropped. It may schedule this entry or any other again.
    /// </summary>
    protected internal abstract void OnDue();
}
