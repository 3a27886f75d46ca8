using Weir.Protocol;
using Weir.Relay.Brokers;

namespace Weir.Brokers.File.Records;

/// <summary>
/// The fields of a publication in a record, but for <see cref="Publication.Message"/>, which matters only to live members.
/// </summary>
internal static class PublicationFields
{
    private const int HasKey = 1, HasNode = 2;

    public static void Write(RecordBuffer record, Publication publication, long offset)
    {
        record.Write(offset);
        record.Write((long)publication.Kind);
        record.Write((publication.Key is null ? 0 : HasKey) | (publication.Node is null ? 0 : HasNode));
        if (publication.Key is not null)
        {
            record.Write(publication.Key);
        }

        if (publication.Node is not null)
        {
            record.Write(publication.Node);
        }

        record.Write(publication.NodeSequence);
        record.Write(publication.Info.Span);
        record.Write(publication.Data.Span);
    }

    public static Publication Read(ref RecordFields fields)
    {
        long offset = fields.ReadNumber();
        MessageKind kind = (MessageKind)fields.ReadNumber();
        long has = fields.ReadNumber();
        return new Publication
        {
            Offset = offset,
            Kind = kind,
            Key = (has & HasKey) != 0 ? fields.ReadText() : null,
            Node = (has & HasNode) != 0 ? fields.ReadText() : null,
            NodeSequence = fields.ReadNumber(),
            Info = fields.ReadBytes().ToArray(),
            Data = fields.ReadBytes().ToArray(),
        };
    }
}
