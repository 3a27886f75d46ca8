using Weir.Framing;

namespace Weir;

/// <summary>What happens to a client that reads more slowly than it is sent to.</summary>
/// <remarks>
/// Bytes are those of encoded frames that the transport has not taken: waiting in the connection's queue, or handed over
/// in a flush that is not over. What the transport has taken (Kestrel's response buffer, 64 KiB, and the kernel's) is
/// not counted.
/// </remarks>
public sealed class PressureOptions
{
    private long _highWaterBytes = 64 * 1024;
    private long _closeAtBytes = 1_000_000;
    private TimeSpan _maxDelay = TimeSpan.FromSeconds(10);
    private TimeSpan _closeTimeout = TimeSpan.FromSeconds(30);
    private CloseCode _closeCode = CloseCode.MessageTooBig;
    private string _closeReason = "too slow";

    /// <summary>
    /// From this many bytes on <see cref="WeirHandler.OnPressure"/> is called, once, and again when all have left;
    /// default 64 KiB. Zero: never.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public long HighWaterBytes
    {
        get => _highWaterBytes;
        set => _highWaterBytes = OptionRange.Number(value, 0, long.MaxValue);
    }

    /// <summary>
    /// The most that may wait; default 1,000,000. A message that would pass it meets the <see cref="Policy"/>. A single
    /// larger message is accepted when nothing else waits.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public long CloseAtBytes
    {
        get => _closeAtBytes;
        set => _closeAtBytes = OptionRange.Number(value, 1, long.MaxValue);
    }

    /// <summary>
    /// How long a message may wait; default 10 seconds. Beyond it the client is closed as too slow, whatever the policy.
    /// Zero: any time.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public TimeSpan MaxDelay
    {
        get => _maxDelay;
        set => _maxDelay = OptionRange.OnWheel(value, TimeSpan.Zero);
    }

    /// <summary>
    /// How long a client that was closed as too slow may take to wake up, read what the transport holds for it and see the
    /// code; default 30 seconds. Then it is cut. Longer than <see cref="WeirOptions.CloseTimeout"/>, since it is known to be
    /// slow; meanwhile it costs what the transport holds, about 64 KiB.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or negative.</exception>
    public TimeSpan CloseTimeout
    {
        get => _closeTimeout;
        set => _closeTimeout = OptionRange.OnWheel(value, TimeSpan.FromTicks(1));
    }

    /// <summary>What a message beyond <see cref="CloseAtBytes"/> leads to; default <see cref="PressurePolicy.Close"/>.</summary>
    public PressurePolicy Policy { get; set; }

    /// <summary>The code a client that is too slow is closed with; default 1009.</summary>
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

    /// <summary>The reason that goes with the code; default "too slow". Cut after 123 bytes.</summary>
    public string CloseReason
    {
        get => _closeReason;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            _closeReason = value;
        }
    }
}

/// <summary>What becomes of a message for a client that has too many waiting.</summary>
public enum PressurePolicy
{
    /// <summary>The queue is dropped and the client closed: it knows that it missed something, and comes back.</summary>
    Close,

    /// <summary>The new message is dropped. For streams whose old messages are still worth having.</summary>
    DropNewest,

    /// <summary>The oldest messages are dropped until the new one fits. For feeds of which only the recent part matters.</summary>
    DropOldest,

    /// <summary>
    /// A message sent with a key takes the place of one with the same key that still waits, at any fill; beyond the limit
    /// the client is closed. For tickers: a slow client gets each key's latest value and no history.
    /// </summary>
    KeepLatest,
}
