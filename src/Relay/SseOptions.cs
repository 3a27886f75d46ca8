using Weir.Handshake;
using Weir.Validation;

namespace Weir.Relay;

/// <summary>The settings of a path of Server-Sent Events. Read once, when it is mapped.</summary>
public sealed class SseOptions
{
    private IReadOnlyList<string> _allowedOrigins = [];
    private TimeSpan _heartbeatInterval = TimeSpan.FromSeconds(30);
    private TimeSpan _maxDelay = TimeSpan.FromSeconds(10);
    private TimeSpan _reconnectAfter = TimeSpan.FromSeconds(2);
    private long _closeAtBytes = 1_000_000;
    private int _maxHeadBytes = 16 * 1024;

    /// <summary>
    /// Origins whose pages may open a stream, as for WebSockets (<see cref="WeirOptions.AllowedOrigins"/>); they are answered with the CORS
    /// header that lets a browser read the stream. Empty, the default: only the request's own host.
    /// </summary>
    /// <exception cref="ArgumentException">A glob is malformed; the message names it.</exception>
    public IReadOnlyList<string> AllowedOrigins
    {
        get => _allowedOrigins;
        set
        {
            _ = new OriginPolicy(value); // throws for a malformed glob
            _allowedOrigins = value;
        }
    }

    /// <summary>
    /// A comment is sent when a stream had no output for this long, so that proxies keep the stream and a dead client is noticed; default
    /// 30 seconds. Zero: never.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public TimeSpan HeartbeatInterval
    {
        get => _heartbeatInterval;
        set => _heartbeatInterval = OptionRange.OnWheel(value, TimeSpan.Zero);
    }

    /// <summary>
    /// The most bytes that may wait for one slow client; default 1,000,000. Beyond it the stream is aborted: the client reconnects with its
    /// last id and recovers. Publications that it missed and is given again do not count.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public long CloseAtBytes
    {
        get => _closeAtBytes;
        set => _closeAtBytes = OptionRange.Number(value, 1, long.MaxValue);
    }

    /// <summary>The longest that a client may accept no data while some is queued for it; default 10 seconds. Zero: no limit.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public TimeSpan MaxDelay
    {
        get => _maxDelay;
        set => _maxDelay = OptionRange.OnWheel(value, TimeSpan.Zero);
    }

    /// <summary>
    /// When a client is to reconnect after the server has ended its stream; default 2 seconds. Each is given a delay of its own, from half
    /// of it to three halves, so that clients whose streams ended together do not reconnect together.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than a day.</exception>
    public TimeSpan ReconnectAfter
    {
        get => _reconnectAfter;
        set => _reconnectAfter = OptionRange.Duration(value, TimeSpan.Zero, TimeSpan.FromDays(1));
    }

    /// <summary>
    /// The largest request header block in bytes, measured as in HTTP/1.1; default 16 KiB, as for WebSockets
    /// (<see cref="WeirOptions.MaxHeadBytes"/>). A larger one is answered with 431, with the CORS headers of an allowed origin. Takes
    /// effect up to the server's own limits, which answer first: Kestrel's are <c>MaxRequestLineSize</c>, by default 8 KiB,
    /// <c>MaxRequestHeadersTotalSize</c>, and <c>Http2.MaxRequestHeaderFieldSize</c>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 256.</exception>
    public int MaxHeadBytes
    {
        get => _maxHeadBytes;
        set => _maxHeadBytes = OptionRange.Number(value, 256, int.MaxValue);
    }
}
