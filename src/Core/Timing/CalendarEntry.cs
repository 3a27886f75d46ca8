using System.Diagnostics.CodeAnalysis;

namespace Weir.Timing;

/// <summary>An event at a time of the wall clock; scheduled in at most one <see cref="Calendar"/>.</summary>
[Experimental("WEIR001")]
public abstract class CalendarEntry
{
    // Owned by the calendar and written only inside its lock. The index in the heap; -1: not scheduled.
    internal int Index = -1;
    internal long DueTicks = long.MaxValue;

    /// <summary>
    /// Returns whether the entry is due at <paramref name="now"/>, called or not: a right whose end is due must not be treated as
    /// valid before the timer has fired. May be called on any thread. <c>false</c> for an entry that was never scheduled.
    /// </summary>
    /// <param name="now">The time of the same clock.</param>
    public bool IsDueAt(DateTimeOffset now) => Volatile.Read(ref DueTicks) <= now.UtcTicks;

    /// <summary>
    /// Runs when the entry is due, on the timer's thread, outside the calendar's lock. It must be quick and must not block; its
    /// exceptions are logged and dropped. It may schedule this entry or any other again.
    /// </summary>
    protected internal abstract void OnDue();
}
