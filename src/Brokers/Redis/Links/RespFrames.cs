using System.Buffers.Text;

namespace Weir.Brokers.Redis.Links;

/// <summary>
/// Finds the replies and pushes in the bytes from Redis (RESP3), and parses the few forms that a link needs: all one level
/// deep.
/// </summary>
internal static class RespFrames
{
    /// <summary>The longest element: Redis's own limit for a string.</summary>
    private const int MaxElementBytes = 512 << 20;

    /// <summary>Measures the first frame; returns <c>false</c> while it is incomplete.</summary>
    /// <exception cref="InvalidDataException">The bytes are not RESP3; the connection is not usable any more.</exception>
    public static bool TryMeasure(ReadOnlySpan<byte> data, out int length)
    {
        length = 0;
        int position = 0;
        // The number of elements still to come, at any depth.
        for (long wanted = 1; wanted > 0; wanted--)
        {
            if (!TryReadHeader(data, ref position, out byte type, out int count))
            {
                return false;
            }

            switch (type)
            {
                case (byte)'+' or (byte)'-' or (byte)':' or (byte)'_' or (byte)'#' or (byte)',' or (byte)'(':
                    break;
                case (byte)'$' or (byte)'=' or (byte)'!':
                    if (count > data.Length - position - 2)
                    {
                        return false;
                    }

                    position += count + 2;
                    break;
                case (byte)'*' or (byte)'>' or (byte)'~':
                    wanted += count;
                    break;
                case (byte)'%':
                    wanted += 2L * count;
                    break;
                case (byte)'|':
                    wanted += (2L * count) + 1; // the attribute precedes its element
                    break;
                default:
                    throw new InvalidDataException($"Redis sent a frame of the unknown type 0x{type:x2}.");
            }
        }

        length = position;
        return true;
    }

    /// <summary>Reads an element that is a string or a number, of a complete frame.</summary>
    public static ReadOnlySpan<byte> ReadElement(ReadOnlySpan<byte> frame, ref int position)
    {
        int start = position + 1;
        if (!TryReadHeader(frame, ref position, out byte type, out int count))
        {
            throw new InvalidDataException("Redis sent a truncated frame.");
        }

        if (type is not ((byte)'$' or (byte)'='))
        {
            return frame[start..(position - 2)];
        }

        ReadOnlySpan<byte> value = frame.Slice(position, count);
        position += count + 2;
        return value;
    }

    /// <summary>Reads the header of a push or an array: its number of elements.</summary>
    public static int ReadCount(ReadOnlySpan<byte> frame, ref int position)
        => TryReadHeader(frame, ref position, out _, out int count) ? count : 0;

    /// <summary>Reads a line; for types with a length or a count reads that, else 0.</summary>
    private static bool TryReadHeader(ReadOnlySpan<byte> data, ref int position, out byte type, out int count)
    {
        type = 0;
        count = 0;
        ReadOnlySpan<byte> rest = data[position..];
        int end = rest.IndexOf("\r\n"u8);
        if (end < 0)
        {
            return false;
        }

        if (end == 0)
        {
            throw new InvalidDataException("Redis sent an empty line.");
        }

        type = rest[0];
        position += end + 2;
        if (type is (byte)'$' or (byte)'=' or (byte)'!' or (byte)'*' or (byte)'>' or (byte)'~' or (byte)'%' or (byte)'|')
        {
            ReadOnlySpan<byte> digits = rest[1..end];
            if (!Utf8Parser.TryParse(digits, out count, out int consumed)
                || consumed != digits.Length || count is < -1 or > MaxElementBytes)
            {
                throw new InvalidDataException("Redis sent an invalid length.");
            }

            if (count == -1)
            {
                // The null of RESP2: no data follows.
                type = (byte)'_';
                count = 0;
            }
        }

        return true;
    }
}
