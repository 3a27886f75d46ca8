using System.Buffers;
using System.Buffers.Binary;

namespace Weir.Testing;

public static partial class Frames
{
    /// <summary>Reads one server frame; returns <c>false</c> if more bytes are needed.</summary>
    /// <param name="consumed">Length of the frame, 0 if there is none.</param>
    /// <exception cref="InvalidDataException">
    /// A violation of RFC 6455: masked (section 5.1), a length not minimal or with its highest bit set (5.2), a reserved opcode
    /// (5.2), a control frame fragmented or over 125 bytes (5.5). The caller checks the RSV bits.
    /// </exception>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out ServerFrame frame, out int consumed)
    {
        frame = null!;
        consumed = 0;
        if (!TryParseHeader(bytes, out int headerLength, out int payloadLength)
            || bytes.Length - headerLength < payloadLength)
        {
            return false;
        }

        frame = new ServerFrame(
            Fin: (bytes[0] & 0x80) != 0,
            Rsv: (bytes[0] >> 4) & 7,
            Opcode: bytes[0] & 0xF,
            Payload: bytes.Slice(headerLength, payloadLength).ToArray());
        consumed = headerLength + payloadLength;
        return true;
    }

    /// <summary>All frames of <paramref name="bytes"/>, which must end with one.</summary>
    /// <exception cref="InvalidDataException">
    /// As for <see cref="TryParse(ReadOnlySpan{byte}, out ServerFrame, out int)"/>, or part of a frame is left over.
    /// </exception>
    public static IReadOnlyList<ServerFrame> ParseAll(ReadOnlySpan<byte> bytes)
    {
        List<ServerFrame> frames = [];
        while (TryParse(bytes, out ServerFrame frame, out int consumed))
        {
            frames.Add(frame);
            bytes = bytes[consumed..];
        }

        return bytes.IsEmpty
            ? frames
            : throw new InvalidDataException($"{bytes.Length} bytes of another frame after {frames.Count}.");
    }

    /// <summary>As the overload over a span, advancing <paramref name="bytes"/> past the frame.</summary>
    public static bool TryParse(ref ReadOnlySequence<byte> bytes, out ServerFrame frame)
    {
        // The header first, on the stack: a long payload that arrives in pieces is then copied once, not once per read.
        Span<byte> header = stackalloc byte[(int)Math.Min(10, bytes.Length)];
        bytes.Slice(0, header.Length).CopyTo(header);
        frame = null!;
        if (!TryParseHeader(header, out int headerLength, out int payloadLength)
            || bytes.Length < headerLength + (long)payloadLength)
        {
            return false;
        }

        ReadOnlySequence<byte> whole = bytes.Slice(0, headerLength + (long)payloadLength);
        bytes = bytes.Slice(whole.End);
        return TryParse(whole.ToArray(), out frame, out _);
    }

    private static bool TryParseHeader(ReadOnlySpan<byte> bytes, out int headerLength, out int payloadLength)
    {
        headerLength = payloadLength = 0;
        if (bytes.Length < 2)
        {
            return false;
        }

        if ((bytes[1] & 0x80) != 0)
        {
            throw new InvalidDataException("A server must not mask.");
        }

        ulong length = (ulong)(bytes[1] & 0x7F);
        CheckFirstBytes(bytes[0], length);
        headerLength = length switch { 126 => 4, 127 => 10, _ => 2 };
        if (bytes.Length < headerLength)
        {
            return false;
        }

        if (headerLength == 4)
        {
            length = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        }
        else if (headerLength == 10)
        {
            length = BinaryPrimitives.ReadUInt64BigEndian(bytes[2..]);
        }

        LengthForm form = headerLength switch { 2 => LengthForm.Bits7, 4 => LengthForm.Bits16, _ => LengthForm.Bits64 };
        if (form != MinimalForm(length) || length > int.MaxValue)
        {
            throw new InvalidDataException($"Length {length} in a header of {headerLength} bytes.");
        }

        payloadLength = (int)length;
        return true;
    }

    private static void CheckFirstBytes(byte first, ulong length)
    {
        int opcode = first & 0xF;
        if (opcode is (> 2 and < 8) or > 10)
        {
            throw new InvalidDataException($"Reserved opcode 0x{opcode:X}.");
        }

        if (opcode >= 8 && ((first & 0x80) == 0 || length > 125))
        {
            throw new InvalidDataException($"Control frame 0x{opcode:X} fragmented or too long.");
        }
    }
}
