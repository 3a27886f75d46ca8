using Weir.Protocol;
using Weir.Sending;

namespace Weir.Relay.Brokers;

/// <summary>One message of a room. Immutable; it owns its memory.</summary>
public sealed class Publication
{
    /// <summary>The message as it was published, verbatim; text is UTF-8.</summary>
    public required ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>Text or binary; default text.</summary>
    public MessageKind Kind { get; init; } = MessageKind.Text;

    /// <summary>Its offset in its room; 0 if the room keeps no history, or before the broker has assigned it.</summary>
    public long Offset { get; init; }

    /// <summary>The key whose latest value it is, for <see cref="PressurePolicy.KeepLatest"/>; <c>null</c> if none.</summary>
    public string? Key { get; init; }

    /// <summary>The publisher, as JSON of its protocol; empty if not reported.</summary>
    public ReadOnlyMemory<byte> Info { get; init; }

    /// <summary>The node that published it; <c>null</c> if it came from outside of all nodes.</summary>
    public string? Node { get; init; }

    /// <summary>The publishing node's own number for it, by which it recognizes its own message; 0: none.</summary>
    public long NodeSequence { get; init; }

    /// <summary>
    /// If the message was published to several rooms together: the publishing node's number for it, the same in each room, so that a
    /// connection in more than one of them is sent it once. 0 if it was published to this room alone.
    /// </summary>
    public long Message { get; init; }

    /// <summary>
    /// Whether earlier publications of this node have no offset, so that listeners that were disconnected cannot detect them: the broker
    /// skips an offset before this one's, and each earlier position shows the gap. Default false; not stored.
    /// </summary>
    public bool IsAfterLoss { get; init; }

    /// <summary>Returns the same publication with the offset that the broker has assigned; shares its memory.</summary>
    public Publication WithOffset(long offset) => With(offset, Message);

    /// <summary>Returns the same publication as one of several copies, see <see cref="Message"/>; shares its memory.</summary>
    internal Publication AsMessage(long message) => With(Offset, message);

    private Publication With(long offset, long message) => new()
    {
        Data = Data,
        Kind = Kind,
        Offset = offset,
        Key = Key,
        Info = Info,
        Node = Node,
        NodeSequence = NodeSequence,
        Message = message,
    };
}

/// <summary>A point in a room's sequence of publications. The default is the start of a room without history.</summary>
public readonly record struct StreamPosition
{
    private readonly string? _epoch; // null if empty, so that the default equals a position made from empty values

    /// <summary>Creates a position.</summary>
    public StreamPosition(string epoch, long offset)
    {
        Epoch = epoch;
        Offset = offset;
    }

    /// <summary>Changes if the broker has lost part of the sequence; empty if the room keeps no history.</summary>
    public string Epoch
    {
        get => _epoch ?? "";
        init => _epoch = value.Length == 0 ? null : value;
    }

    /// <summary>The offset of the last publication up to that point; 0: none yet.</summary>
    public long Offset { get; init; }

    /// <summary>Deconstructs it.</summary>
    public void Deconstruct(out string epoch, out long offset)
    {
        epoch = Epoch;
        offset = Offset;
    }
}

/// <summary>A query of a room's history.</summary>
/// <param name="Since">
/// Publications after this position; <c>null</c>: from the oldest one kept. Only its offset is used: the answer's top has the epoch, and
/// the caller compares.
/// </param>
/// <param name="Limit">The most publications; 0: none, only the top position; negative: all.</param>
/// <param name="Reverse">Newest first; then <paramref name="Since"/> means before that position.</param>
public readonly record struct HistoryQuery(StreamPosition? Since, int Limit, bool Reverse = false);

/// <summary>A room's history at one moment.</summary>
/// <param name="Publications">In the requested order.</param>
/// <param name="Top">The position of the newest publication, whether or not it is kept.</param>
public sealed record RoomHistory(IReadOnlyList<Publication> Publications, StreamPosition Top)
{
    /// <summary>
    /// Earlier epochs of the sequence, each with the last offset that it has in common with the current one: the broker continued under a
    /// new epoch because it may have lost later publications. Empty by default.
    /// </summary>
    public IReadOnlyList<StreamPosition> Past { get; init; } = [];

    /// <summary>
    /// Whether a position lies in the sequence that leads to <see cref="Top"/>, so that the publications after it are those that its owner
    /// has missed, under whatever epochs.
    /// </summary>
    public bool Holds(StreamPosition place) => place.Offset <= LastInCommonWith(place.Epoch);

    /// <summary>Returns the last offset that an epoch has in common with that of <see cref="Top"/>; -1 if none.</summary>
    public long LastInCommonWith(string epoch)
    {
        if (epoch == Top.Epoch)
        {
            return Top.Offset;
        }

        foreach (StreamPosition past in Past)
        {
            if (past.Epoch == epoch)
            {
                return past.Offset;
            }
        }

        return -1;
    }
}

/// <summary>A client that is present in a room.</summary>
/// <param name="Client">The connection's id, unique over all nodes.</param>
/// <param name="User">The user's id; empty if anonymous.</param>
/// <param name="ConnectionInfo">JSON about the connection; empty: none.</param>
/// <param name="RoomInfo">JSON about the connection in this room; empty: none.</param>
public sealed record RoomMember(string Client, string User, ReadOnlyMemory<byte> ConnectionInfo, ReadOnlyMemory<byte> RoomInfo);
