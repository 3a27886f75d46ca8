namespace Weir.Relay;

/// <summary>One message of a room. Immutable; its memory belongs to it.</summary>
public sealed class Publication
{
    /// <summary>The message as it was published, verbatim; of text UTF-8.</summary>
    public required ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>Text or binary; default text.</summary>
    public MessageKind Kind { get; init; } = MessageKind.Text;

    /// <summary>Its number in its room; 0 where the room keeps no history, or before the broker has given it one.</summary>
    public long Offset { get; init; }

    /// <summary>What it is the latest value of, for <see cref="PressurePolicy.KeepLatest"/>; null: nothing in particular.</summary>
    public string? Key { get; init; }

    /// <summary>Who published it, as JSON of the publisher's protocol; empty when that is not told.</summary>
    public ReadOnlyMemory<byte> Info { get; init; }

    /// <summary>The node that published it; null when it came from outside of all nodes.</summary>
    public string? Node { get; init; }

    /// <summary>The publishing node's own number for it, by which it knows its own message again; 0: none.</summary>
    public long NodeSequence { get; init; }

    /// <summary>
    /// Where the message was published to several rooms at once: the publishing node's number for it, the same in each room, so
    /// that a connection in more than one of them is sent it once. 0: it was published to this room alone.
    /// </summary>
    public long Message { get; init; }

    /// <summary>
    /// Whether publications of this node that came before it have no number, so that listeners that were away cannot know of
    /// them: the broker leaves out a number before this one's, and each position from before shows the gap. Default false; not
    /// stored.
    /// </summary>
    public bool IsAfterLoss { get; init; }

    /// <summary>The same publication with the number that the broker has given it; shares its memory.</summary>
    public Publication WithOffset(long offset) => With(offset, Message);

    /// <summary>The same publication as one of several copies, see <see cref="Message"/>; shares its memory.</summary>
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

/// <summary>A place in a room's sequence of publications. The default is the start of a room without history.</summary>
public readonly record struct StreamPosition
{
    private readonly string? _epoch; // null for empty, so that the default equals what is built of nothing

    /// <summary>Names a place.</summary>
    public StreamPosition(string epoch, long offset)
    {
        Epoch = epoch;
        Offset = offset;
    }

    /// <summary>Changes when the broker has lost what it knew; empty where the room keeps no history.</summary>
    public string Epoch
    {
        get => _epoch ?? "";
        init => _epoch = value.Length == 0 ? null : value;
    }

    /// <summary>The number of the last publication up to that place; 0: none yet.</summary>
    public long Offset { get; init; }

    /// <summary>Takes it apart.</summary>
    public void Deconstruct(out string epoch, out long offset)
    {
        epoch = Epoch;
        offset = Offset;
    }
}

/// <summary>What to read of a room's history.</summary>
/// <param name="Since">
/// Publications after this place; null: from the oldest that is kept. Only its offset is looked at: the answer's top says
/// which epoch it is of, and the caller compares.
/// </param>
/// <param name="Limit">The most publications; 0: none, only the top position; negative: all.</param>
/// <param name="Reverse">Newest first; then <paramref name="Since"/> means before that place.</param>
public readonly record struct HistoryQuery(StreamPosition? Since, int Limit, bool Reverse = false);

/// <summary>A room's history as of one moment.</summary>
/// <param name="Publications">In the order asked for.</param>
/// <param name="Top">The position of the newest publication, whether or not it is kept.</param>
public sealed record RoomHistory(IReadOnlyList<Publication> Publications, StreamPosition Top)
{
    /// <summary>
    /// Epochs that the sequence had before, each with the last offset that it still tells the same: the broker went on under
    /// a new epoch because it may have lost what came after. Empty by default.
    /// </summary>
    public IReadOnlyList<StreamPosition> Past { get; init; } = [];

    /// <summary>
    /// Whether a place lies on the way to <see cref="Top"/>, so that what came after it is what its owner has missed, under
    /// whatever epochs.
    /// </summary>
    public bool Holds(StreamPosition place) => place.Offset <= LastInCommonWith(place.Epoch);

    /// <summary>The last offset that an epoch and that of <see cref="Top"/> tell the same; -1 where they have nothing in common.</summary>
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
/// <param name="User">Who it is; empty when nobody said.</param>
/// <param name="ConnectionInfo">JSON about the connection; empty: none.</param>
/// <param name="RoomInfo">JSON about the connection in this room; empty: none.</param>
public sealed record RoomMember(string Client, string User, ReadOnlyMemory<byte> ConnectionInfo, ReadOnlyMemory<byte> RoomInfo);
