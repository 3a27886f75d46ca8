using System.Diagnostics.CodeAnalysis;
using Weir.Protocol;
using Weir.Relay.Brokers;

namespace Weir.Relay.Wire;

/// <summary>
/// A publication as brokers store and announce it, without its position.
/// <code>version, flags, [node, sequence], [message], [key], [info], data</code>
/// </summary>
[Experimental("WEIR001")]
public static class PublicationBody
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

    /// <summary>Encodes a publication.</summary>
    /// <param name="publication">The publication; its offset is not encoded.</param>
    /// <param name="prefix">Bytes before it, for a message that has more than the body; default none.</param>
    public static byte[] Encode(Publication publication, ReadOnlySpan<byte> prefix = default)
    {
        ArgumentNullException.ThrowIfNull(publication);
        byte[] bytes = new byte[prefix.Length + SizeOf(publication)];
        FieldWriter writer = new(bytes);
        writer.WriteBytes(prefix);
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
        return bytes;
    }

    /// <summary>Reads a publication; returns <c>false</c> if the bytes are none, or of another version.</summary>
    /// <param name="body">Kept by the publication, so it must not be written to any more.</param>
    /// <param name="offset">The publication's offset, which is not in the body.</param>
    /// <param name="publication">The result; <c>null</c> if there is none.</param>
    public static bool TryRead(ReadOnlyMemory<byte> body, long offset, [NotNullWhen(true)] out Publication? publication)
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

    private static int SizeOf(Publication publication)
        => 2
            + (publication.Node is { } node ? FieldWriter.SizeOf(node) + sizeof(long) : 0)
            + (publication.Message != 0 ? sizeof(long) : 0)
            + (publication.Key is { } key ? FieldWriter.SizeOf(key) : 0)
            + (publication.Info.IsEmpty ? 0 : FieldWriter.SizeOf(publication.Info))
            + publication.Data.Length;
}
