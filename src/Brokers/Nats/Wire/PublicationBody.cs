using Weir.Protocol;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Nats.Wire;

/// <summary>A publication without its offset. <code>flags, [node, sequence], [message], [key], [info], data</code></summary>
internal static class PublicationBody
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
        RecordWriter writer = new(publication.Data.Length + publication.Info.Length + 64);
        writer.Write((byte)(
            (publication.Kind == MessageKind.Binary ? Has.Binary : 0)
            | (publication.Node is null ? 0 : Has.Node)
            | (publication.Key is null ? 0 : Has.Key)
            | (publication.Info.IsEmpty ? 0 : Has.Info)
            | (publication.Message == 0 ? 0 : Has.Message)));
        if (publication.Node is { } node)
        {
            writer.Write(node);
            writer.Write(publication.NodeSequence);
        }

        if (publication.Message != 0)
        {
            writer.Write(publication.Message);
        }

        if (publication.Key is { } key)
        {
            writer.Write(key);
        }

        if (!publication.Info.IsEmpty)
        {
            writer.WriteField(publication.Info.Span);
        }

        writer.WriteRest(publication.Data.Span);
        return writer.Written.ToArray();
    }

    /// <param name="body">Kept by the publication, so it must not be written to any more.</param>
    /// <param name="offset">The publication's offset, which is not in the body.</param>
    /// <exception cref="InvalidDataException">It is not a publication.</exception>
    public static Publication Read(ReadOnlyMemory<byte> body, long offset)
    {
        RecordReader reader = new(body);
        Has has = (Has)reader.ReadByte();
        if ((has & ~Has.All) != 0)
        {
            throw new InvalidDataException("The publication has fields that are not known.");
        }

        string? node = null;
        long sequence = 0;
        if (has.HasFlag(Has.Node))
        {
            node = reader.ReadText();
            sequence = reader.ReadInt64();
        }

        return new Publication
        {
            Node = node,
            NodeSequence = sequence,
            Message = has.HasFlag(Has.Message) ? reader.ReadInt64() : 0,
            Key = has.HasFlag(Has.Key) ? reader.ReadText() : null,
            Info = has.HasFlag(Has.Info) ? reader.ReadField() : default,
            Data = reader.ReadRest(), // in this order: they are read as they are written
            Kind = has.HasFlag(Has.Binary) ? MessageKind.Binary : MessageKind.Text,
            Offset = offset,
        };
    }
}
