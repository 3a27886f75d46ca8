namespace Weir.Timing;

/// <summary>
/// Waits of any length, in pieces. A timer of .NET takes 4,294,967,294 ms (49.7 days) at the most, and throws beyond.
/// </summary>
internal static class LongWait
{
    /// <summary>The longest that one timer can be set for.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    /// <summary>What one timer is set for; when that has passed, the caller sets it for the rest.</summary>
    public static TimeSpan Piece(TimeSpan wait) => wait > Longest ? Longest : wait;

    /// <summary>A wait in units of a clock's timestamps, of any length: at most a quarter of what they count to.</summary>
    public static long TimestampsOf(TimeSpan wait, long frequency)
        => (long)Math.Min(wait.TotalSeconds * frequency, long.MaxValue / 4);
}
