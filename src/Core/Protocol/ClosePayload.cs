using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Unicode;

namespace Weir.Protocol;

/// <summary>
/// The payload of a Close frame (RFC 6455 sections 5.5.1 and 7.4): empty, or a 16-bit code and a reason in UTF-8.
/// </summary>
internal static class ClosePayload
{
    /// <summary>The longest payload of a control frame, and the buffer size that <see cref="Write"/> requires.</summary>
    public const int MaxLength = FrameHeader.MaxControlPayload;

    private const int CodeLength = sizeof(ushort);

    private static readonly ProtocolFault _halfCode =
        new(CloseCode.ProtocolError, "close payload of one byte (RFC 6455 5.5.1)");
    private static readonly ProtocolFault _outOfRange =
        new(CloseCode.ProtocolError, "close code outside 1000-4999 (RFC 6455 7.4.2)");
    private static readonly ProtocolFault _notAssigned =
        new(CloseCode.ProtocolError, "close code 1004 or 1016-2999 is not assigned (RFC 6455 7.4)");
    private static readonly ProtocolFault _localOnly =
        new(CloseCode.ProtocolError, "close code 1005, 1006 or 1015 must not be sent (RFC 6455 7.4.1)");
    private static readonly ProtocolFault _reasonNotUtf8 =
        new(CloseCode.InvalidPayload, "close reason is not UTF-8 (RFC 6455 5.5.1)");

    /// <summary>
    /// Decodes an unmasked payload; returns <c>null</c> on success. An empty one yields <see cref="CloseCode.NoStatus"/> and no
    /// reason, as does a fault: then the code to answer with is the fault's.
    /// </summary>
    public static ProtocolFault? Read(ReadOnlySpan<byte> payload, out CloseCode code, out string reason)
    {
        code = CloseCode.NoStatus;
        reason = "";
        if (payload.IsEmpty)
        {
            return null;
        }

        // 5.5.1: "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer".
        if (payload.Length < CodeLength)
        {
            return _halfCode;
        }

        CloseCode received = (CloseCode)BinaryPrimitives.ReadUInt16BigEndian(payload);
        if (CheckCode(received) is { } fault)
        {
            return fault;
        }

        ReadOnlySpan<byte> text = payload[CodeLength..];
        if (!Utf8.IsValid(text))
        {
            return _reasonNotUtf8;
        }

        code = received;
        reason = Encoding.UTF8.GetString(text);
        return null;
    }

    /// <summary>Throws if an application may not send the code.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="code"/> must not be sent.</exception>
    public static void ThrowUnlessSendable(CloseCode code, string reason)
    {
        ArgumentNullException.ThrowIfNull(reason);
        if (!IsAllowedOnTheWire(code))
        {
            throw new ArgumentOutOfRangeException(nameof(code), code, "RFC 6455 section 7.4 forbids sending this code.");
        }
    }

    /// <summary>
    /// Encodes a payload and returns its length. A reason beyond 123 bytes is truncated at a character boundary; a lone surrogate
    /// in it becomes U+FFFD. <see cref="CloseCode.NoStatus"/> writes no byte, since a reason requires a code.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="code"/> must not be sent, or <paramref name="destination"/> is shorter than
    /// <see cref="MaxLength"/>.
    /// </exception>
    public static int Write(Span<byte> destination, CloseCode code, string reason)
    {
        if (code == CloseCode.NoStatus)
        {
            return 0;
        }

        if (CheckCode(code) is { } fault)
        {
            ThrowNotSendable(code, fault);
        }

        destination = destination[..MaxLength];
        BinaryPrimitives.WriteUInt16BigEndian(destination, (ushort)code);

        // Stops before the first character that does not fit, which is the truncation wanted, so its status is ignored.
        _ = Utf8.FromUtf16(reason, destination[CodeLength..], out _, out int reasonLength);
        return CodeLength + reasonLength;
    }

    /// <summary>Returns whether a Close frame may carry the code (RFC 6455 section 7.4).</summary>
    public static bool IsAllowedOnTheWire(CloseCode code) => CheckCode(code) is null;

    // 7.4.1, 7.4.2 and the IANA registry, where 1012, 1013 and 1014 were added later. For both directions: only clients send
    // 1010, but the answer to it may echo it.
    private static ProtocolFault? CheckCode(CloseCode code) => (ushort)code switch
    {
        < 1000 or > 4999 => _outOfRange,
        1005 or 1006 or 1015 => _localOnly,
        1004 or (>= 1016 and <= 2999) => _notAssigned,
        _ => null,
    };

    [DoesNotReturn]
    private static void ThrowNotSendable(CloseCode code, ProtocolFault fault) =>
        throw new ArgumentOutOfRangeException(nameof(code), code, fault.Reason);
}
