namespace Weir;

/// <summary>How dead connections are found, and quiet ones kept open through NATs and proxies.</summary>
public sealed class HeartbeatOptions
{
    private TimeSpan _interval = TimeSpan.FromSeconds(30);
    private TimeSpan _timeout = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How often a Ping is sent (RFC 6455 section 5.5.2); default 30 seconds, below the 60 seconds after which common
    /// proxies cut a quiet connection. Zero: no heartbeat, and dead peers are found only by writing to them.
    /// </summary>
    /// <remarks>The first Ping of a connection comes after a random part of it, so that they never leave all at once.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or above zero and below 200 milliseconds.</exception>
    public TimeSpan Interval
    {
        get => _interval;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero);
            if (value > TimeSpan.Zero)
            {
                ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.FromMilliseconds(200));
            }

            _interval = value;
        }
    }

    /// <summary>
    /// How long after an interval's end a peer may stay silent; default 10 seconds. A connection from which not a single
    /// byte came for <see cref="Interval"/> plus this is cut. Any byte counts, not just the Pong.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or negative.</exception>
    public TimeSpan Timeout
    {
        get => _timeout;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
            _timeout = value;
        }
    }
}
