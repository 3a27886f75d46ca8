namespace Weir.Rooms;

/// <summary>One connection's membership of one room: a slot there, an entry of the connection's own list here.</summary>
internal sealed class Membership(Room room, IRoomMember member)
{
    public Room Room => room;

    public IRoomMember Member => member;

    /// <summary>Guarded by the room's gate.</summary>
    public int Slot { get; set; }

    /// <summary>
    /// The room's join era when the connection joined, see <see cref="MessageCopies"/>; written before the membership is in a
    /// list. Its four bytes fit into the object's padding.
    /// </summary>
    public uint Era { get; set; }

    /// <summary>The connection's next membership; guarded by the connection's list.</summary>
    public Membership? Next { get; set; }

    /// <summary>Returns whether the connection joined after <paramref name="era"/> ended. Eras wrap around.</summary>
    public bool IsNewerThan(uint era) => unchecked((int)(Era - era)) > 0;
}
