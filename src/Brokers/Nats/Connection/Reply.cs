using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Weir.Brokers.Nats.Connection;

/// <summary>A reply to a request: the status line and fields of its header, as NATS writes them, and its payload.</summary>
internal readonly record struct Reply(byte[] Header, byte[] Payload)
{
    /// <summary>The status: 0 if there is none, 404 if there is no such message, 503 if no subscriber was there.</summary>
    public int Status
        => Header.AsSpan().StartsWith("NATS/1.0 "u8) && Utf8Parser.TryParse(Header.AsSpan(9), out int status, out _) ? status : 0;

    /// <summary>The sequence number of a message that was read directly.</summary>
    public ulong Sequence
        => Utf8Parser.TryParse(FieldOf("Nats-Sequence:"u8), out ulong sequence, out _)
            ? sequence
            : throw new InvalidDataException("NATS replied without the sequence number of a message.");

    /// <summary>When the server stored it, in ms of its clock since 1970.</summary>
    public long StoredAt => ReadTime(Encoding.ASCII.GetString(FieldOf("Nats-Time-Stamp:"u8)));

    /// <summary>Reads a time as a server writes it, with up to nine digits after the second.</summary>
    public static long ReadTime(string text)
    {
        int point = text.IndexOf('.', StringComparison.Ordinal);
        string seconds = point < 0 ? text : text[..point] + "Z";
        int digits = point < 0 ? 0 : text.AsSpan(point + 1).IndexOfAnyExceptInRange('0', '9');
        int milliseconds = digits > 0
            ? int.Parse(text.Substring(point + 1, digits).PadRight(3, '0')[..3], CultureInfo.InvariantCulture)
            : 0;
        return DateTimeOffset.Parse(seconds, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal).ToUnixTimeMilliseconds()
            + milliseconds;
    }

    private ReadOnlySpan<byte> FieldOf(ReadOnlySpan<byte> name)
    {
        ReadOnlySpan<byte> header = Header;
        int start = header.IndexOf(name);
        if (start < 0)
        {
            return default;
        }

        header = header[(start + name.Length)..].TrimStart((byte)' ');
        int end = header.IndexOf((byte)'\r');
        return end < 0 ? header : header[..end];
    }
}
