using Weir.Client.Timing;

namespace Weir.Client.Transport;

/// <summary>When .NET's WebSocket sends a Ping, and from when on the silence after it means something.</summary>
internal static class PingTimes
{
    // The socket looks every quarter of its keep-alive interval, but no more often than once a second, whether a Ping is due.
    private static readonly TimeSpan _leastLook = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _longestInterval = TimeSpan.FromMilliseconds(int.MaxValue);

    /// <summary>The keep-alive interval with which a Ping goes out within the given one: four fifths, and a quarter of that for the look.</summary>
    public static TimeSpan KeepAliveInterval(TimeSpan pingInterval)
    {
        if (Waits.IsNever(pingInterval))
        {
            return pingInterval;
        }

        TimeSpan interval = pingInterval < _longestInterval ? pingInterval : _longestInterval;
        return TimeSpan.FromTicks(Math.Max(interval.Ticks / 5 * 4, TimeSpan.TicksPerMillisecond));
    }

    /// <summary>How long the other side may be quiet; infinite if it may for ever.</summary>
    public static TimeSpan SilenceLimit(TimeSpan pingInterval, TimeSpan pingTimeout)
    {
        TimeSpan atLatest = KeepAliveInterval(pingInterval) + _leastLook;
        return Waits.IsNever(pingInterval) ? pingInterval : Waits.Sum(pingInterval > atLatest ? pingInterval : atLatest, pingTimeout);
    }
}
