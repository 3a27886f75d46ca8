using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Weir.Handshake;

/// <summary>Which characters of a percent-encoded text have a special meaning.</summary>
internal enum PercentForm
{
    /// <summary>
    /// A path: "%2F" is not decoded, as in Kestrel, so that a slash inside a segment is never mistaken for a separator of segments.
    /// </summary>
    Path,

    /// <summary>A name or value of a query, as HTML forms send it: '+' is a space.</summary>
    Query,
}

/// <summary>
/// Decodes percent-encoding (RFC 3986 2.1), leniently: a '%' that two hex digits do not follow is literal, and bytes that are not
/// UTF-8 become U+FFFD. As different names would become equal that way, handshakes and streams are refused where
/// <see cref="IsUtf8"/> is false.
/// </summary>
internal static class PercentEncoding
{
    private const int StackLimit = 256;

    /// <summary>Returns whether the text decodes to exactly these bytes; allocates nothing.</summary>
    public static bool DecodesTo(ReadOnlySpan<byte> encoded, ReadOnlySpan<byte> expected, PercentForm form)
    {
        foreach (byte b in expected)
        {
            if (encoded.IsEmpty || TakeByte(ref encoded, form) != b)
            {
                return false;
            }
        }

        return encoded.IsEmpty;
    }

    /// <summary>Returns the text decoded as UTF-8; bytes that are not UTF-8 become U+FFFD.</summary>
    public static string Decode(ReadOnlySpan<byte> encoded, PercentForm form)
    {
        if (encoded.IndexOfAny((byte)'%', (byte)'+') < 0)
        {
            return Encoding.UTF8.GetString(encoded);
        }

        byte[]? rented = null;
        Span<byte> decoded = encoded.Length <= StackLimit
            ? stackalloc byte[StackLimit]
            : rented = ArrayPool<byte>.Shared.Rent(encoded.Length);
        int length = 0;
        while (!encoded.IsEmpty)
        {
            decoded[length++] = TakeByte(ref encoded, form);
        }

        string text = Encoding.UTF8.GetString(decoded[..length]);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return text;
    }

    /// <summary>
    /// Returns whether two hex digits follow every '%' and the decoded bytes are UTF-8: no overlong forms, no surrogates, no
    /// truncated sequence.
    /// </summary>
    /// <param name="encoded">A path or a whole query: its delimiters are ASCII, so no sequence spans two of its parts.</param>
    public static bool IsUtf8(ReadOnlySpan<byte> encoded)
    {
        if (encoded.IndexOf((byte)'%') < 0)
        {
            return Utf8.IsValid(encoded);
        }

        byte[]? rented = null;
        Span<byte> decoded = encoded.Length <= StackLimit
            ? stackalloc byte[StackLimit]
            : rented = ArrayPool<byte>.Shared.Rent(encoded.Length);
        int length = 0;
        bool isWellFormed = true;
        while (!encoded.IsEmpty && isWellFormed)
        {
            isWellFormed = encoded[0] != '%' || (encoded.Length >= 3 && HexValue(encoded[1]) >= 0 && HexValue(encoded[2]) >= 0);
            decoded[length++] = TakeByte(ref encoded, PercentForm.Query);
        }

        bool isUtf8 = isWellFormed && Utf8.IsValid(decoded[..length]);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return isUtf8;
    }

    /// <summary>Removes one decoded byte from the front of a text that is not empty.</summary>
    private static byte TakeByte(ref ReadOnlySpan<byte> rest, PercentForm form)
    {
        byte first = rest[0];
        if (first == '%' && rest.Length >= 3)
        {
            int high = HexValue(rest[1]);
            int low = HexValue(rest[2]);
            int value = (high << 4) | low;
            if (high >= 0 && low >= 0 && !(value == '/' && form == PercentForm.Path))
            {
                rest = rest[3..];
                return (byte)value;
            }
        }

        rest = rest[1..];
        return first == '+' && form == PercentForm.Query ? (byte)' ' : first;
    }

    private static int HexValue(byte digit) => digit switch
    {
        >= (byte)'0' and <= (byte)'9' => digit - '0',
        >= (byte)'a' and <= (byte)'f' => digit - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => digit - 'A' + 10,
        _ => -1,
    };
}
