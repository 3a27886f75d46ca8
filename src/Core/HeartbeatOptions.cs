using Weir.Framing;

namespace Weir;

/// <summary>How dead connections are found, and quiet ones kept open through NATs and proxies.</summary>
public sealed class HeartbeatOptions
{
    private TimeSpan _interval = TimeSpan.FromSeconds(30);
    private TimeSpan _timeout = TimeSpan.FromSeconds(10);
    private string _silenceReason = "no answer";
    private CloseCode? _silenceCode;

    /// <summary>
    /// How often a Ping is sent (RFC 6455 section 5.5.2); default 30 seconds, below the 60 seconds after which common
    /// proxies cut a quiet connection. Zero: no heartbeat, and dead peers are found only by writing to them.
    /// </summary>
    /// <remarks>
    /// The first Ping of a connection comes after a part of it, so that those of a storm do not leave all at once for ever after:
    /// as many in each second, or in each tenth of an interval below ten seconds. An interval that is no multiple of that is
    /// rounded down to one.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or above zero and below 200 milliseconds.</exception>
    public TimeSpan Interval
    {
        get => _interval;
        set => _interval = value == TimeSpan.Zero ? value
            : OptionRange.OnWheel(value, TimeSpan.FromMilliseconds(200));
    }

    /// <summary>
    /// How long after an interval's end a peer may stay silent; default 10 seconds. A connection on which neither direction has
    /// moved for <see cref="Interval"/> plus this is cut. Any byte that comes counts, not just the Pong, unless
    /// <see cref="CountsOnlyMessages"/>. Bytes that waited for the peer and that it has taken since count too, for as long as it goes
    /// on taking them (docs/slow-clients.md).
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or negative.</exception>
    public TimeSpan Timeout
    {
        get => _timeout;
        set => _timeout = OptionRange.OnWheel(value, TimeSpan.FromTicks(1));
    }

    /// <summary>
    /// A text message that is sent in place of the Ping, for protocols with pings of their own; null, the default: the Ping.
    /// The handler passes the answer on with <see cref="WeirConnection.TakeHeartbeatAnswer"/> where it wants to know more than
    /// that the peer is alive.
    /// </summary>
    public string? Message { get; set; }

    /// <summary>
    /// Whether only messages of the peer, and parts of one, show that it is alive, and control frames do not; default false. For
    /// protocols whose clients answer <see cref="Message"/>: a browser goes on answering Pings for a page that it keeps frozen, and
    /// many libraries send Pings by themselves for an application that has stopped.
    /// </summary>
    public bool CountsOnlyMessages { get; set; }

    /// <summary>The code that a silent peer is closed with; null, the default: it is cut without a closing handshake.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The code may not be sent (RFC 6455 section 7.4).</exception>
    public CloseCode? SilenceCode
    {
        get => _silenceCode;
        set
        {
            if (value is { } code)
            {
                ClosePayload.ThrowUnlessSendable(code, "");
            }

            _silenceCode = value;
        }
    }

    /// <summary>The reason that goes with <see cref="SilenceCode"/>; default "no answer". Cut after 123 bytes.</summary>
    public string SilenceReason
    {
        get => _silenceReason;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            _silenceReason = value;
        }
    }
}
