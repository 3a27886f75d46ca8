using Weir.Protocol;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Redis.Wire;

/// <summary>
/// A publication without its position: the entry of a stream, and the part of an announcement after the position.
/// <code>version, flags, [node, sequence], [message], [key], [info], data</code>
/// </summary>
internal static class PublicationBody
{
    private const byte Version = 1;

    [Flags]
    private enum Has : byte
    {
        Binary = 1,
        Node = 2,
        Key = 4,
        Info = 8,
        Message = 16,
        All = Binary | Node | Key | Info | Message,
    }

    public static byte[] Encode(Publication publication)
    {
        byte[] bytes = new byte[SizeOf(publication)];
        ByteWriter writer = new(bytes);
        Write(ref writer, publication);
        return bytes;
    }

    public static int SizeOf(Publication publication)
        => 2
            + (publication.Node is { } node ? ByteWriter.SizeOf(node) + sizeof(long) : 0)
            + (publication.Message != 0 ? sizeof(long) : 0)
            + (publication.Key is { } key ? ByteWriter.SizeOf(key) : 0)
            + (publication.Info.IsEmpty ? 0 : ByteWriter.SizeOf(publication.Info))
            + publication.Data.Length;

    public static void Write(ref ByteWriter writer, Publication publication)
    {
        writer.WriteByte(Version);
        writer.WriteByte((byte)(
            (publication.Kind == MessageKind.Binary ? Has.Binary : 0)
            | (publication.Node is null ? 0 : Has.Node)
            | (publication.Key is null ? 0 : Has.Key)
            | (publication.Info.IsEmpty ? 0 : Has.Info)
            | (publication.Message == 0 ? 0 : Has.Message)));
        if (publication.Node is { } node)
        {
            writer.Write(node);
            writer.WriteInt64(publication.NodeSequence);
        }

        if (publication.Message != 0)
        {
            writer.WriteInt64(publication.Message);
        }

        if (publication.Key is { } key)
        {
            writer.Write(key);
        }

        if (!publication.Info.IsEmpty)
        {
            writer.Write(publication.Info);
        }

        writer.WriteRest(publication.Data);
    }

    /// <param name="body">Kept by the publication, so it must not be written to any more.</param>
    /// <param name="offset">The publication's offset, which is not in the body.</param>
    /// <param name="publication">The result.</param>
    public static bool TryRead(ReadOnlyMemory<byte> body, long offset, out Publication? publication)
    {
        publication = null;
        ByteReader reader = new(body);
        if (!reader.TryReadByte(out byte version) || version != Version || !reader.TryReadByte(out byte flags) || flags > (byte)Has.All)
        {
            return false;
        }

        Has has = (Has)flags;
        string? node = null;
        long sequence = 0;
        long message = 0;
        string? key = null;
        ReadOnlyMemory<byte> info = default;
        if ((has.HasFlag(Has.Node) && !(reader.TryReadText(out node) && reader.TryReadInt64(out sequence)))
            || (has.HasFlag(Has.Message) && !reader.TryReadInt64(out message))
            || (has.HasFlag(Has.Key) && !reader.TryReadText(out key))
            || (has.HasFlag(Has.Info) && !reader.TryReadField(out info)))
        {
            return false;
        }

        publication = new Publication
        {
            Data = reader.ReadRest(),
            Kind = has.HasFlag(Has.Binary) ? MessageKind.Binary : MessageKind.Text,
            Offset = offset,
            Key = key,
            Info = info,
            Node = node,
            NodeSequence = sequence,
            Message = message,
        };
        return true;
    }
}
