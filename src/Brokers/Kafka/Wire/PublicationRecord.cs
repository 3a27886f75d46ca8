using Weir.Protocol;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Kafka.Wire;

/// <summary>The value of a record that is a publication; its room is the record's key.
/// <code>version, kind, flags, [node, sequence], [message], [key], [info], data</code>
/// </summary>
internal static class PublicationRecord
{
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
        byte[] bytes = new byte[3
            + (publication.Node is { } ofNode ? FieldWriter.SizeOf(ofNode) + sizeof(long) : 0)
            + (publication.Message != 0 ? sizeof(long) : 0)
            + (publication.Key is { } ofKey ? FieldWriter.SizeOf(ofKey) : 0)
            + (publication.Info.IsEmpty ? 0 : FieldWriter.SizeOf(publication.Info))
            + publication.Data.Length];
        FieldWriter writer = new(bytes);
        writer.WriteByte(Record.Version);
        writer.WriteByte((byte)RecordKind.Publication);
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
        return bytes;
    }

    /// <param name="body">The value after the kind; kept by the publication, so it must not be written to any more.</param>
    /// <param name="publication">The result.</param>
    public static bool TryRead(ReadOnlyMemory<byte> body, out Publication? publication)
    {
        publication = null;
        FieldReader reader = new(body);
        if (!reader.TryReadByte(out byte flags) || flags > (byte)Has.All)
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
            Key = key,
            Info = info,
            Node = node,
            NodeSequence = sequence,
            Message = message,
        };
        return true;
    }
}
