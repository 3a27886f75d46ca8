namespace Weir.Rooms;

/// <summary>
/// The copies of one message that was published to several rooms: remembers which rooms have sent theirs, so that a connection
/// in more than one of them is sent one copy. Thread-safe.
/// </summary>
/// <remarks>
/// <para>Connections are not listed. A room registers its walk before it sends, with its join era at that moment; a connection
/// was sent the message if a room of its own registered earlier, in an era no older than the connection's membership. So the
/// state has the size of the rooms, not of their members, and two rooms may walk at the same time.</para>
/// <para>Lock order: a room or a connection's membership list, then this.</para>
/// </remarks>
internal sealed class MessageCopies
{
    private readonly Dictionary<Room, Walk> _walks = [];

    /// <summary>Registers the walk of a room.</summary>
    /// <param name="room">The room that is about to send its copy.</param>
    /// <param name="era">Members that joined in this era of the room, or before, are sent the copy.</param>
    /// <returns>The walk's place in the order of registration, for <see cref="HasSent"/>.</returns>
    public int Register(Room room, uint era)
    {
        lock (_walks)
        {
            int order = _walks.Count;
            _walks.TryAdd(room, new Walk(era, order));
            return order;
        }
    }

    /// <summary>Returns whether a walk registered before <paramref name="order"/> sends to the holder of a membership.</summary>
    public bool HasSent(Membership membership, int order)
    {
        lock (_walks)
        {
            return _walks.TryGetValue(membership.Room, out Walk walk)
                && walk.Order < order
                && !membership.IsNewerThan(walk.Era);
        }
    }

    private readonly record struct Walk(uint Era, int Order);
}
