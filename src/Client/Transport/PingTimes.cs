using Weir.Client.Timing;

namespace Weir.Client.Transport;

/// <summary>Computes when .NET's WebSocket sends a Ping, and the heartbeat timeout after it.</summary>
internal static class PingTimes
{
    // The socket checks every quarter of its keep-alive interval, but at most once a second, whether a Ping is due.
    private static readonly TimeSpan _leastCheckInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _longestInterval = TimeSpan.FromMilliseconds(int.MaxValue);

    /// <summary>
    /// Gets the keep-alive interval with which a Ping is sent within the given one: four fifths, and a quarter of that for the
    /// check.
    /// </summary>
    public static TimeSpan KeepAliveInterval(TimeSpan pingInterval)
    {
        if (Waits.IsNever(pingInterval))
        {
            return pingInterval;
        }

        TimeSpan interval = pingInterval < _longestInterval ? pingInterval : _longestInterval;
        return TimeSpan.FromTicks(Math.Max(interval.Ticks / 5 * 4, TimeSpan.TicksPerMillisecond));
    }

    /// <summary>Gets how long the peer may be idle; infinite if there is no limit.</summary>
    public static TimeSpan SilenceLimit(TimeSpan pingInterval, TimeSpan pingTimeout)
    {
        TimeSpan atLatest = KeepAliveInterval(pingInterval) + _leastCheckInterval;
        return Waits.IsNever(pingInterval) ? pingInterval : Waits.Sum(pingInterval > atLatest ? pingInterval : atLatest, pingTimeout);
    }
}
