using Weir.Handshake;

namespace Weir.Relay;

/// <summary>The settings of a path of Server-Sent Events. Read once, when it is mapped.</summary>
public sealed class SseOptions
{
    private IReadOnlyList<string> _allowedOrigins = [];
    private TimeSpan _heartbeatInterval = TimeSpan.FromSeconds(30);
    private TimeSpan _maxDelay = TimeSpan.FromSeconds(10);
    private TimeSpan _reconnectAfter = TimeSpan.FromSeconds(2);
    private long _closeAtBytes = 1_000_000;

    /// <summary>
    /// Origins a page may listen from, as for WebSockets (<see cref="WeirOptions.AllowedOrigins"/>); they are answered with
    /// the CORS header that lets a browser read the stream. Empty, the default: only the request's own host.
    /// </summary>
    /// <exception cref="ArgumentException">A glob is malformed; the message names it.</exception>
    public IReadOnlyList<string> AllowedOrigins
    {
        get => _allowedOrigins;
        set
        {
            _ = new OriginPolicy(value); // refuses what it cannot read
            _allowedOrigins = value;
        }
    }

    /// <summary>
    /// A comment is sent when nothing else was for this long, so that proxies keep the stream and a dead client is noticed;
    /// default 30 seconds. Zero: never.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public TimeSpan HeartbeatInterval
    {
        get => _heartbeatInterval;
        set => _heartbeatInterval = OptionRange.OnWheel(value, TimeSpan.Zero);
    }

    /// <summary>
    /// The most bytes that may wait for one slow client; default 1,000,000. Beyond it the stream is cut: the client comes back
    /// with its last id and recovers. What it missed and is given again does not count.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public long CloseAtBytes
    {
        get => _closeAtBytes;
        set => _closeAtBytes = OptionRange.Number(value, 1, long.MaxValue);
    }

    /// <summary>The longest that a client may take nothing while something waits for it; default 10 seconds. Zero: any time.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public TimeSpan MaxDelay
    {
        get => _maxDelay;
        set => _maxDelay = OptionRange.OnWheel(value, TimeSpan.Zero);
    }

    /// <summary>
    /// When a client is to come back after the server has ended its stream; default 2 seconds. Each is given a time of its own,
    /// from half of it to three halves, so that those whose streams ended together do not return together.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than a day.</exception>
    public TimeSpan ReconnectAfter
    {
        get => _reconnectAfter;
        set => _reconnectAfter = OptionRange.Duration(value, TimeSpan.Zero, TimeSpan.FromDays(1));
    }
}
