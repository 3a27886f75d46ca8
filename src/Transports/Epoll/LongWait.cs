namespace Weir.Transports.Epoll;

/// <summary>Waits of any length.</summary>
internal static class LongWait
{
    /// <summary>Returns a wait of any length in a clock's timestamps: at most a quarter of their range.</summary>
    public static long TimestampsOf(TimeSpan wait, long frequency)
        => (long)Math.Min(wait.TotalSeconds * frequency, long.MaxValue / 4);
}
