using System.Buffers;
using System.Buffers.Text;

namespace Weir.LoadTest.Client;

/// <summary>The metadata in a message of a room, in hexadecimal, so that it can stand in a JSON string as well.</summary>
/// <param name="Due">When it was due to be sent, by the machine's clock; all clients of one machine share it.</param>
/// <param name="Room">Which room.</param>
/// <param name="Number">Its number there, from 0.</param>
internal readonly record struct Stamp(long Due, int Room, int Number)
{
    public const int Bytes = 32;

    private static readonly StandardFormat _long = new('x', 16);
    private static readonly StandardFormat _int = new('x', 8);

    public void Write(Span<byte> payload)
    {
        Utf8Formatter.TryFormat(Due, payload, out _, _long);
        Utf8Formatter.TryFormat(Room, payload[16..], out _, _int);
        Utf8Formatter.TryFormat(Number, payload[24..], out _, _int);
    }

    /// <summary>False for a payload that begins with no stamp.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out Stamp stamp)
    {
        stamp = default;
        if (payload.Length < Bytes
            || !Utf8Parser.TryParse(payload[..16], out ulong due, out _, 'x')
            || !Utf8Parser.TryParse(payload[16..24], out uint room, out _, 'x')
            || !Utf8Parser.TryParse(payload[24..32], out uint number, out _, 'x'))
        {
            return false;
        }

        stamp = new Stamp((long)due, (int)room, (int)number);
        return true;
    }
}
