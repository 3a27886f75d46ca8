namespace Weir.Timing;

/// <summary>
/// Waits of any length, in parts. A timer of .NET accepts 4,294,967,294 ms (49.7 days) at most, and throws beyond.
/// </summary>
internal static class LongWait
{
    /// <summary>The longest due time of one timer.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    /// <summary>Returns the due time of one timer; when that has passed, the caller sets it for the rest.</summary>
    public static TimeSpan Piece(TimeSpan wait) => wait > Longest ? Longest : wait;

    /// <summary>Returns a wait of any length in a clock's timestamps: at most a quarter of their range.</summary>
    public static long TimestampsOf(TimeSpan wait, long frequency)
        => (long)Math.Min(wait.TotalSeconds * frequency, long.MaxValue / 4);
}
