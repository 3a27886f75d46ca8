using Weir.Connections;
using Weir.Protocol;
using Weir.Sending;
using Weir.Validation;

namespace Weir;

/// <summary>Limits and policy for a client that reads more slowly than messages are sent to it.</summary>
/// <remarks>
/// Bytes are those of encoded frames that the transport has not taken: in the connection's queue, or in a pending flush. Bytes
/// that the transport has taken (Kestrel's response buffer, 64 KiB, and the kernel's) are not counted.
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
    /// When this many bytes are pending, <see cref="WeirHandler.OnPressure"/> is called, once, and again when all have been sent;
    /// default 64 KiB. Zero: never.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public long HighWaterBytes
    {
        get => _highWaterBytes;
        set => _highWaterBytes = OptionRange.Number(value, 0, long.MaxValue);
    }

    /// <summary>
    /// The most pending bytes; default 1,000,000. A message that would exceed it is handled by <see cref="Policy"/>. A single
    /// larger message is accepted if no other waits.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public long CloseAtBytes
    {
        get => _closeAtBytes;
        set => _closeAtBytes = OptionRange.Number(value, 1, long.MaxValue);
    }

    /// <summary>
    /// The longest that a message may wait; default 10 seconds. After it the client is closed as too slow, whatever the policy.
    /// Zero: no limit.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public TimeSpan MaxDelay
    {
        get => _maxDelay;
        set => _maxDelay = OptionRange.OnWheel(value, TimeSpan.Zero);
    }

    /// <summary>
    /// The time a client that was closed as too slow has to resume, read the bytes that the transport holds for it and receive
    /// the code; default 30 seconds. Then it is aborted. Longer than <see cref="WeirOptions.CloseTimeout"/>, since it is known to
    /// be slow; meanwhile it costs the bytes that the transport holds, about 64 KiB.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or negative.</exception>
    public TimeSpan CloseTimeout
    {
        get => _closeTimeout;
        set => _closeTimeout = OptionRange.OnWheel(value, TimeSpan.FromTicks(1));
    }

    /// <summary>How a message beyond <see cref="CloseAtBytes"/> is handled; default <see cref="PressurePolicy.Close"/>.</summary>
    public PressurePolicy Policy { get; set; }

    /// <summary>The code that closes a client that is too slow; default 1009.</summary>
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

    /// <summary>The reason that goes with the code; default "too slow". Truncated to 123 bytes.</summary>
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
