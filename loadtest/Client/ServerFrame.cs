using System.Buffers.Binary;

namespace Weir.LoadTest.Client;

/// <summary>A frame as the server sent it: its opcode and where in the bytes its payload lies.</summary>
internal readonly record struct ServerFrame(int Opcode, int PayloadStart, int End)
{
    public const int Text = 0x1;
    public const int Binary = 0x2;
    public const int Close = 0x8;
    public const int Ping = 0x9;
    public const int Pong = 0xA;

    /// <summary>The frame that the bytes begin with; false while it has not come whole.</summary>
    /// <exception cref="InvalidDataException">
    /// Masked, fragmented, with reserved bits or longer than <see cref="int.MaxValue"/>: not what a server would send that
    /// was offered no extension and gets whole messages to relay.
    /// </exception>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out ServerFrame frame)
    {
        frame = default;
        if (bytes.Length < 2)
        {
            return false;
        }

        if ((bytes[0] & 0xF0) != 0x80 || bytes[1] > 127)
        {
            throw new InvalidDataException($"No frame of a server begins with {bytes[0]:x2} {bytes[1]:x2}.");
        }

        int start = bytes[1] switch { < 126 => 2, 126 => 4, _ => 10 };
        if (bytes.Length < start)
        {
            return false;
        }

        long length = start switch
        {
            2 => bytes[1],
            4 => BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]),
            _ => BinaryPrimitives.ReadInt64BigEndian(bytes[2..]),
        };
        if (length is < 0 or > int.MaxValue - 10)
        {
            throw new InvalidDataException($"A frame of {length} bytes.");
        }

        frame = new ServerFrame(bytes[0] & 0xF, start, start + (int)length);
        return bytes.Length >= frame.End;
    }
}
