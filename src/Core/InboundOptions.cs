using System.Diagnostics.CodeAnalysis;
using Weir.Limits;
using Weir.Protocol;
using Weir.Validation;

namespace Weir;

/// <summary>How much one client may send. Exceeding it closes the connection with <see cref="CloseCode"/>; off by default.</summary>
public sealed class InboundOptions
{
    private int _messagesPerSecond;
    private int _bytesPerSecond;
    private TimeSpan _burst = TimeSpan.FromSeconds(2);
    private CloseCode _closeCode = CloseCode.PolicyViolation;

    /// <summary>Messages per second, on average. 0, the default: no limit.</summary>
    /// <remarks>
    /// Counted are each message once, each Ping, and each Pong that answers no Ping of the server's, since each costs the work of
    /// a message. Fragmentation (RFC 6455 section 5.4) is free as long as a message consists of at most 16 frames and one more
    /// for each 128 bytes of its payload as received; each frame beyond that counts as a message, on arrival.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int MessagesPerSecond
    {
        get => _messagesPerSecond;
        set => _messagesPerSecond = OptionRange.Number(value, 0, int.MaxValue);
    }

    /// <summary>Bytes per second as received, on average. 0, the default: no limit.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int BytesPerSecond
    {
        get => _bytesPerSecond;
        set => _bytesPerSecond = OptionRange.Number(value, 0, int.MaxValue);
    }

    /// <summary>
    /// How much may arrive at once after an idle time, as the time it would take at the average rate; default 2 seconds.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or negative, or more than 24 days.</exception>
    public TimeSpan Burst
    {
        get => _burst;
        set => _burst = OptionRange.Positive(value);
    }

    /// <summary>The code that closes a connection that sends more; default 1008.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The code may not be sent (RFC 6455 section 7.4).</exception>
    public CloseCode CloseCode
    {
        get => _closeCode;
        set
        {
            ClosePayload.ThrowUnlessSendable(value, "");
            _closeCode = value;
        }
    }

    /// <summary>The reason that goes with the code; <c>null</c>, the default: one that names the limit. Truncated to 123 bytes.</summary>
    public string? CloseReason { get; set; }

    /// <summary>
    /// Creates the limit of these settings, for clients whose messages no connection of the engine counts: those of a response
    /// stream, or parts of a message. Later changes of the settings have no effect on it.
    /// </summary>
    /// <param name="tick">The unit in which the caller measures time.</param>
    /// <returns><c>null</c> if both rates are 0: there is no limit.</returns>
    [Experimental("WEIR001")]
    public InboundLimit? CreateLimit(TimeSpan tick) => InboundLimit.From(this.ToSettings(), tick);
}
