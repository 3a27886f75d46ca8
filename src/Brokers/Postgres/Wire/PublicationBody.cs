using Weir.Protocol;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Postgres.Wire;

/// <summary>
/// A publication without its position, as a row of the history and an announcement have it.
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
        Message = 4,
        Key = 8,
        Info = 16,
        All = Binary | Node | Message | Key | Info,
    }

    /// <param name="publication">The publication.</param>
    /// <param name="kind">A byte before it, for an announcement; <c>null</c>: none.</param>
    public static byte[] Encode(Publication publication, AnnouncementKind? kind = null)
    {
        Has has = (publication.Kind == MessageKind.Binary ? Has.Binary : 0)
            | (publication.Node is null ? 0 : Has.Node)
            | (publication.Message == 0 ? 0 : Has.Message)
            | (publication.Key is null ? 0 : Has.Key)
            | (publication.Info.IsEmpty ? 0 : Has.Info);
        byte[] bytes = new byte[SizeOf(publication) + (kind is null ? 0 : 1)];
        FieldWriter writer = new(bytes);
        if (kind is { } known)
        {
            writer.WriteByte((byte)known);
        }

        writer.WriteByte(Version);
        writer.WriteByte((byte)has);
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

        writer.WriteLast(publication.Data);
        return bytes;
    }

    /// <param name="body">Kept by the publication, so it must not be written to any more.</param>
    /// <param name="offset">The publication's offset, which is not in the body.</param>
    /// <param name="publication">The result.</param>
    public static bool TryRead(ReadOnlyMemory<byte> body, long offset, out Publication? publication)
    {
        publication = null;
        FieldReader reader = new(body);
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
        if ((has.HasFlag(Has.Node) && !(reader.TryRead(out node) && reader.TryReadInt64(out sequence)))
            || (has.HasFlag(Has.Message) && !reader.TryReadInt64(out message))
            || (has.HasFlag(Has.Key) && !reader.TryRead(out key))
            || (has.HasFlag(Has.Info) && !reader.TryRead(out info)))
        {
            return false;
        }

        publication = new Publication
        {
            Data = reader.Rest,
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

    private static int SizeOf(Publication publication)
        => 2
            + (publication.Node is { } node ? FieldWriter.SizeOf(node) + sizeof(long) : 0)
            + (publication.Message != 0 ? sizeof(long) : 0)
            + (publication.Key is { } key ? FieldWriter.SizeOf(key) : 0)
            + (publication.Info.IsEmpty ? 0 : FieldWriter.SizeOf(publication.Info))
            + publication.Data.Length;
}
