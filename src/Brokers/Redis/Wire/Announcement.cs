using Weir.Relay.Brokers;

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

    public static byte[] OfPublication(Publication publication)
    {
        int size = PublicationBody.SizeOf(publication);
        byte[] bytes = new byte[WithoutPosition.Length + size];
        ByteWriter writer = new(bytes);
        foreach (byte next in WithoutPosition)
        {
            writer.WriteByte(next);
        }

        PublicationBody.Write(ref writer, publication);
        return bytes;
    }

    public static byte[] OfControl(string node, ReadOnlyMemory<byte> message)
    {
        byte[] bytes = new byte[2 + ByteWriter.SizeOf(node) + message.Length];
        ByteWriter writer = new(bytes);
        writer.WriteByte(Version);
        writer.WriteByte((byte)AnnouncementKind.Control);
        writer.Write(node);
        writer.WriteRest(message);
        return bytes;
    }

    public static byte[] OfProbe(long number)
    {
        byte[] bytes = new byte[2 + sizeof(long)];
        ByteWriter writer = new(bytes);
        writer.WriteByte(Version);
        writer.WriteByte((byte)AnnouncementKind.Probe);
        writer.WriteInt64(number);
        return bytes;
    }

    /// <summary>Reads the common beginning; returns <c>false</c> for another version, and for a message that is too short.</summary>
    public static bool TryBegin(ref ByteReader reader, out AnnouncementKind kind)
    {
        kind = default;
        if (!reader.TryReadByte(out byte version) || version != Version || !reader.TryReadByte(out byte code))
        {
            return false;
        }

        kind = (AnnouncementKind)code;
        return true;
    }
}
