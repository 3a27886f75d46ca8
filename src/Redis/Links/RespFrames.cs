using System.Buffers.Text;

namespace Weir.Redis.Links;

/// <summary>
/// Finds the replies and pushes in what Redis sends (RESP3), and takes apart the few shapes a link has to know: all
/// one level deep.
/// </summary>
internal static class RespFrames
{
    /// <summary>No element may say that it is longer: Redis's own bound for a string.</summary>
    private const int MaxElementBytes = 512 << 20;

    /// <summary>The length of the first frame; false while it is not all there.</summary>
    /// <exception cref="InvalidDataException">That is not RESP3; the connection is of no use any more.</exception>
    public static bool TryMeasure(ReadOnlySpan<byte> data, out int length)
    {
        length = 0;
        int position = 0;
        // How many elements are still to come, whatever their depth.
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
                    wanted += (2L * count) + 1; // the attribute comes before what it is about
                    break;
                default:
                    throw new InvalidDataException($"Redis sent a frame of the unknown type 0x{type:x2}.");
            }
        }

        length = position;
        return true;
    }

    /// <summary>Reads an element that is a string or a number, of a frame known to be whole.</summary>
    public static ReadOnlySpan<byte> ReadElement(ReadOnlySpan<byte> frame, ref int position)
    {
        int start = position + 1;
        if (!TryReadHeader(frame, ref position, out byte type, out int count))
        {
            throw new InvalidDataException("Redis sent a frame that ends too early.");
        }

        if (type is not ((byte)'$' or (byte)'='))
        {
            return frame[start..(position - 2)];
        }

        ReadOnlySpan<byte> value = frame.Slice(position, count);
        position += count + 2;
        return value;
    }

    /// <summary>Reads the header of a push or an array: how many elements it has.</summary>
    public static int ReadCount(ReadOnlySpan<byte> frame, ref int position)
        => TryReadHeader(frame, ref position, out _, out int count) ? count : 0;

    /// <summary>A line; for types with a length or a count that is read, elsewhere it is 0.</summary>
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
            if (!Utf8Parser.TryParse(digits, out count, out int consumed) || consumed != digits.Length || count is < -1 or > MaxElementBytes)
            {
                throw new InvalidDataException("Redis sent a length that is none.");
            }

            if (count == -1)
            {
                // The null of RESP2: nothing follows it.
                type = (byte)'_';
                count = 0;
            }
        }

        return true;
    }
}
