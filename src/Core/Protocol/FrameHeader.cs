using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Weir.Protocol;

/// <summary>
/// The 2 to 14 bytes before every payload (RFC 6455 section 5.2). Decoding reports the bytes as they are, reserved opcodes
/// included; <see cref="FrameRules"/> validates them.
/// </summary>
internal readonly struct FrameHeader
{
    /// <summary>The longest header: 2 bytes, a 64-bit length, a masking key.</summary>
    public const int MaxLength = 14;

    /// <summary>The longest header that a server writes: it never masks (RFC 6455 5.1).</summary>
    public const int MaxUnmaskedLength = 10;

    /// <summary>RFC 6455 5.5: all control frames MUST have a payload length of 125 bytes or less.</summary>
    public const int MaxControlPayload = 125;

    /// <summary>The largest payload length that the second byte itself can hold (RFC 6455 5.2).</summary>
    public const int MaxLength7 = 125;

    /// <summary>A masked header with such a length: 2 bytes and the masking key.</summary>
    public const int MaskedLength7 = 6;

    private const int Length16Marker = 126;
    private const int Length64Marker = 127;
    private const int MaskingKeyLength = 4;
    private const int MinimalLengthBit = 1 << 16;

    // The first two bytes as sent, and MinimalLengthBit. Not a field for each flag: the JIT keeps a struct of up to four
    // fields in registers and writes a larger one to memory, at twice the time for a header (HeaderReadBenchmarks).
    private readonly int _bits;

    private FrameHeader(int bits, int headerLength, long payloadLength, uint maskingKey)
    {
        _bits = bits;
        HeaderLength = headerLength;
        PayloadLength = payloadLength;
        MaskingKey = maskingKey;
    }

    /// <summary>The last (or only) frame of a message.</summary>
    public bool Fin => (_bits & 0x80) != 0;

    /// <summary>The three extension bits as sent: RSV1 is 4, RSV2 is 2, RSV3 is 1.</summary>
    public byte Rsv => (byte)((_bits >> 4) & 0b111);

    /// <summary>May be a value that <see cref="Weir.Protocol.Opcode"/> does not define.</summary>
    public Opcode Opcode => (Opcode)(_bits & 0x0F);

    public bool Masked => (_bits & 0x8000) != 0;

    /// <summary>
    /// False if a shorter length encoding would have sufficed, or if the 64-bit length has its high bit set.
    /// </summary>
    public bool MinimalLength => (_bits & MinimalLengthBit) != 0;

    /// <summary>In bytes; <see cref="long.MaxValue"/> if the high bit was set.</summary>
    public long PayloadLength { get; }

    /// <summary>The key in memory order, ready for <see cref="Masking.Apply"/>; 0 if unmasked.</summary>
    public uint MaskingKey { get; }

    /// <summary>The header's length in bytes; the payload starts there.</summary>
    public int HeaderLength { get; }

    /// <summary>"This message is compressed" if permessage-deflate is negotiated (RFC 7692 section 6).</summary>
    public bool Rsv1 => (Rsv & 0b100) != 0;

    /// <summary>RFC 6455 5.5: control frames are identified by the high bit of the opcode.</summary>
    public bool IsControl => ((byte)Opcode & 0x8) != 0;

    /// <summary>Decodes the header at the start of <paramref name="span"/>; returns <c>false</c> if it needs more bytes.</summary>
    public static bool TryRead(ReadOnlySpan<byte> span, out FrameHeader header)
    {
        if (span.Length < 2)
        {
            header = default;
            return false;
        }

        int length7 = span[1] & 0x7F;
        bool masked = (span[1] & 0x80) != 0;
        int keyOffset = length7 switch { Length16Marker => 4, Length64Marker => 10, _ => 2 };
        int headerLength = masked ? keyOffset + MaskingKeyLength : keyOffset;
        if (span.Length < headerLength)
        {
            header = default;
            return false;
        }

        ulong length = length7 switch
        {
            Length16Marker => BinaryPrimitives.ReadUInt16BigEndian(span[2..]),
            Length64Marker => BinaryPrimitives.ReadUInt64BigEndian(span[2..]),
            _ => (uint)length7,
        };

        // "The most significant bit MUST be 0": such a length is reported as the largest possible, so that a size limit refuses
        // it even without FrameRules.
        bool readable = length <= long.MaxValue;
        long payloadLength = readable ? (long)length : long.MaxValue;
        bool minimal = readable && LengthOf(payloadLength) == keyOffset;
        header = new FrameHeader(
            span[0] | (span[1] << 8) | (minimal ? MinimalLengthBit : 0),
            headerLength,
            payloadLength,
            masked ? MemoryMarshal.Read<uint>(span[keyOffset..]) : 0);
        return true;
    }

    /// <summary>Decodes the header at the start of <paramref name="buffer"/>; returns <c>false</c> if it needs more bytes.</summary>
    public static bool TryRead(in ReadOnlySequence<byte> buffer, out FrameHeader header) =>
        TryRead(buffer.FirstSpan, out header) || (!buffer.IsSingleSegment && TryReadStraddling(buffer, out header));

    /// <summary>
    /// Writes an unmasked header (RFC 6455 5.1: a server MUST NOT mask) in the shortest length encoding. Returns the
    /// number of bytes written, <see cref="LengthOf"/> the payload; <paramref name="destination"/> must hold them.
    /// </summary>
    public static int Write(
        Span<byte> destination, Opcode opcode, long payloadLength, bool fin = true, bool rsv1 = false)
    {
        int headerLength = LengthOf(payloadLength);
        destination = destination[..headerLength];
        destination[0] = (byte)((fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | (byte)opcode);
        switch (headerLength)
        {
            case 2:
                destination[1] = (byte)payloadLength;
                break;
            case 4:
                destination[1] = Length16Marker;
                BinaryPrimitives.WriteUInt16BigEndian(destination[2..], (ushort)payloadLength);
                break;
            default:
                destination[1] = Length64Marker;
                BinaryPrimitives.WriteInt64BigEndian(destination[2..], payloadLength);
                break;
        }

        return headerLength;
    }

    /// <summary>The length of the unmasked header of such a payload: 2, 4 or 10 bytes.</summary>
    public static int LengthOf(long payloadLength)
    {
        Debug.Assert(payloadLength >= 0, "A payload length is never negative.");
        return payloadLength < Length16Marker ? 2 : payloadLength <= ushort.MaxValue ? 4 : 10;
    }

    // Out of line: a header rarely crosses a segment, and the stack copy would burden the common path.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryReadStraddling(in ReadOnlySequence<byte> buffer, out FrameHeader header)
    {
        Span<byte> copy = stackalloc byte[MaxLength];
        int length = (int)Math.Min(buffer.Length, MaxLength);
        buffer.Slice(0, length).CopyTo(copy);
        return TryRead(copy[..length], out header);
    }
}
