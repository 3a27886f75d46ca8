namespace Weir.Core.Tests.Framing;

/// <summary>RFC 3629 section 4 read off its grammar, a row per alternative: slow, but easy to check by eye.</summary>
internal static class Utf8Model
{
    private static readonly (byte Low, byte High) _tail = (0x80, 0xBF);

    private static readonly (byte Low, byte High)[][] _rows =
    [
        [(0x00, 0x7F)],
        [(0xC2, 0xDF), _tail],
        [(0xE0, 0xE0), (0xA0, 0xBF), _tail],
        [(0xE1, 0xEC), _tail, _tail],
        [(0xED, 0xED), (0x80, 0x9F), _tail],
        [(0xEE, 0xEF), _tail, _tail],
        [(0xF0, 0xF0), (0x90, 0xBF), _tail, _tail],
        [(0xF1, 0xF3), _tail, _tail, _tail],
        [(0xF4, 0xF4), (0x80, 0x8F), _tail, _tail],
    ];

    /// <summary>Where the first byte that fits no row stands, or -1; and if the last character is whole.</summary>
    public static (int FailsAt, bool Complete) Validate(ReadOnlySpan<byte> bytes)
    {
        (byte Low, byte High)[]? row = null;
        int position = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            byte value = bytes[i];
            row ??= Array.Find(_rows, candidate => candidate[0].Low <= value && value <= candidate[0].High);
            if (row is null || value < row[position].Low || value > row[position].High)
            {
                return (i, false);
            }

            if (++position == row.Length)
            {
                (row, position) = (null, 0);
            }
        }

        return (-1, row is null);
    }
}
