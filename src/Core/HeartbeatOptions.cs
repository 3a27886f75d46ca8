using Weir.Connections;
using Weir.Protocol;
using Weir.Validation;

namespace Weir;

/// <summary>Detection of dead connections, and traffic that keeps idle ones open through NATs and proxies.</summary>
public sealed class HeartbeatOptions
{
    private TimeSpan _interval = TimeSpan.FromSeconds(30);
    private TimeSpan _timeout = TimeSpan.FromSeconds(10);
    private string _silenceReason = "no answer";
    private CloseCode? _silenceCode;

    /// <summary>
    /// The interval between Pings (RFC 6455 section 5.5.2); default 30 seconds, below the 60 seconds after which common proxies
    /// abort an idle connection. Zero: no heartbeat, and dead peers are detected only by writing to them.
    /// </summary>
    /// <remarks>
    /// The first Ping of a connection is sent after a part of the interval, so that the Pings of connections opened together stay
    /// spread out: as many in each second, or in each tenth of an interval below ten seconds. An interval that is not a multiple
    /// of that is rounded down to one.
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
    /// moved for <see cref="Interval"/> plus this is aborted. Any received byte counts, not just the Pong, unless
    /// <see cref="CountsOnlyMessages"/>. Pending bytes that the peer has taken since count too, for as long as it keeps taking them
    /// (docs/operations/slow-clients.md).
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or negative.</exception>
    public TimeSpan Timeout
    {
        get => _timeout;
        set => _timeout = OptionRange.OnWheel(value, TimeSpan.FromTicks(1));
    }

    /// <summary>
    /// A text message that is sent in place of the Ping, for protocols with pings of their own; <c>null</c>, the default: the
    /// Ping. The handler passes the answer to <see cref="WeirConnection.TakeHeartbeatAnswer"/> where it needs more than the
    /// peer's liveness.
    /// </summary>
    public string? Message { get; set; }

    /// <summary>
    /// Whether only messages of the peer, whole or partial, prove that it is alive, and control frames do not; default false. For
    /// protocols whose clients answer <see cref="Message"/>: a browser keeps answering Pings for a page that it has frozen, and
    /// many libraries send Pings automatically for an application that has stopped.
    /// </summary>
    public bool CountsOnlyMessages { get; set; }

    /// <summary>The code that closes a silent peer; <c>null</c>, the default: it is aborted without a closing handshake.</summary>
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

    /// <summary>The reason that goes with <see cref="SilenceCode"/>; default "no answer". Truncated to 123 bytes.</summary>
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
