using System.Buffers.Text;
using Weir.Relay.Brokers;
using Weir.Relay.Wire;

namespace Weir.Brokers.Redis.Wire;

/// <summary>The messages of the channels, and how they begin: a byte for the version, one for the kind.</summary>
/// <remarks>
/// <code>
/// 1 1 &lt;offset&gt; ':' &lt;epoch&gt; ':' body      a publication; the position in decimal, as the script writes it
/// 1 2 member                            joined
/// 1 3 member                            left
/// 1 4 node message                      from node to node
/// 1 5 number                            a probe
/// </code>
/// Other versions and kinds are ignored, so that nodes of different versions can share a Redis.
/// </remarks>
internal static class Announcement
{
    public const byte Version = 1;

    /// <summary>The start of a publication without a position, for rooms without history.</summary>
    private static ReadOnlySpan<byte> WithoutPosition => "\u0001\u00010::"u8;

    public static byte[] OfPublication(Publication publication) => PublicationBody.Encode(publication, WithoutPosition);

    public static byte[] OfControl(string node, ReadOnlyMemory<byte> message)
    {
        byte[] bytes = new byte[2 + FieldWriter.SizeOf(node) + message.Length];
        FieldWriter writer = new(bytes);
        writer.WriteByte(Version);
        writer.WriteByte((byte)AnnouncementKind.Control);
        writer.Write(node);
        writer.WriteRest(message);
        return bytes;
    }

    public static byte[] OfProbe(long number)
    {
        byte[] bytes = new byte[2 + sizeof(long)];
        FieldWriter writer = new(bytes);
        writer.WriteByte(Version);
        writer.WriteByte((byte)AnnouncementKind.Probe);
        writer.WriteInt64(number);
        return bytes;
    }

    /// <summary>Reads the common beginning; returns <c>false</c> for another version, and for a message that is too short.</summary>
    public static bool TryBegin(ref FieldReader reader, out AnnouncementKind kind)
    {
        kind = default;
        if (!reader.TryReadByte(out byte version) || version != Version || !reader.TryReadByte(out byte code))
        {
            return false;
        }

        kind = (AnnouncementKind)code;
        return true;
    }

    /// <summary>Reads the position of a publication; returns <c>false</c> if it is not valid.</summary>
    public static bool TryReadPosition(ref FieldReader reader, out long offset, out ReadOnlySpan<byte> epoch)
    {
        offset = 0;
        epoch = default;
        return reader.TryReadTo((byte)':', out ReadOnlySpan<byte> digits)
            && Utf8Parser.TryParse(digits, out offset, out int consumed) && consumed == digits.Length && offset >= 0
            && reader.TryReadTo((byte)':', out epoch);
    }
}
