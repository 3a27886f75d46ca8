using Weir.Framing;

namespace Weir;

/// <summary>How much one client may send. A breach closes the connection with <see cref="CloseCode"/>; off by default.</summary>
public sealed class InboundOptions
{
    private int _messagesPerSecond;
    private int _bytesPerSecond;
    private TimeSpan _burst = TimeSpan.FromSeconds(2);
    private CloseCode _closeCode = CloseCode.PolicyViolation;

    /// <summary>Messages per second, on average. 0, the default: any number.</summary>
    /// <remarks>
    /// Counted is what costs the server a message's work: each message once; each Ping; each Pong that answers no Ping of the
    /// server's. Fragmentation (RFC 6455 section 5.4) costs nothing as long as a message consists of at most 16 frames and one
    /// more for each 128 bytes of its payload as received; each frame beyond that counts as a message, when it comes.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int MessagesPerSecond
    {
        get => _messagesPerSecond;
        set => _messagesPerSecond = OptionRange.Number(value, 0, int.MaxValue);
    }

    /// <summary>Bytes per second as received, on average. 0, the default: any number.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int BytesPerSecond
    {
        get => _bytesPerSecond;
        set => _bytesPerSecond = OptionRange.Number(value, 0, int.MaxValue);
    }

    /// <summary>
    /// What may come at once after a quiet time, as the time in which it would come at the average rate; default 2 seconds.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or negative, or more than 24 days.</exception>
    public TimeSpan Burst
    {
        get => _burst;
        set => _burst = OptionRange.Positive(value);
    }

    /// <summary>What a connection that sends more is closed with; default 1008.</summary>
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

    /// <summary>The reason that goes with the code; null, the default: one that names the limit. Cut after 123 bytes.</summary>
    public string? CloseReason { get; set; }
}
