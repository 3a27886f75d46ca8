namespace Weir.Relay;

/// <summary>
/// Those in a room of this node who speak one protocol: Server-Sent Events, for example. There is one per room and
/// protocol, so that a publication is encoded once for all of them.
/// </summary>
/// <remarks>
/// All calls for one room come one after another, in the room's order, never two at once; they must not block, and what
/// they throw is logged and dropped. An audience lives as long as its room has anybody on this node.
/// </remarks>
public interface IRoomAudience
{
    /// <summary>A publication for everybody in the audience.</summary>
    /// <param name="room">The room; <see cref="LocalRoom.Epoch"/> is the publication's.</param>
    /// <param name="publication">
    /// The publication. Its offset is one more than that of the one before it, but where <see cref="OnPositionLost"/> came
    /// in between; 0 where the room has no history, or where the broker was away and it reaches the members of this node only.
    /// </param>
    /// <param name="except">Who published it, when that was a connection of this node; else null.</param>
    void OnPublication(LocalRoom room, Publication publication, WeirConnection? except);

    /// <summary>A client has joined or left the room, on whatever node. Only where the room's rule says so.</summary>
    void OnPresenceChanged(LocalRoom room, RoomMember member, bool hasJoined)
    {
    }

    /// <summary>
    /// Publications are lost for those who were in the room until now: everybody who wants to know all must recover by other
    /// means. What follows goes on after <paramref name="now"/>.
    /// </summary>
    void OnPositionLost(LocalRoom room, StreamPosition now, PositionLoss reason);

    /// <summary>No publication follows at once: what was gathered should leave.</summary>
    void OnPause(LocalRoom room)
    {
    }
}

/// <summary>Makes the audiences of one protocol: one per room, when somebody subscribes who speaks it.</summary>
public interface IRoomAudienceFactory
{
    /// <summary>Makes the audience of a room. Called in the room's order, like the audience itself.</summary>
    IRoomAudience Create(LocalRoom room);
}

/// <summary>Somebody who subscribes, see <see cref="RelayNode.SubscribeAsync"/>.</summary>
public interface IRoomListener
{
    /// <summary>
    /// The subscription begins: whatever the audience hears after this call is news to this listener, whatever it heard
    /// before is in <paramref name="recovery"/> or older. The listener sends its answer and joins the audience before it
    /// returns. Called once, in the room's order; must not block.
    /// </summary>
    void OnSubscribed(IRoomAudience audience, Recovery recovery);
}

/// <summary>Where a subscription begins.</summary>
/// <param name="IsRecovered">
/// Whether <paramref name="Publications"/> are all that the listener has missed since the position it asked for. False when
/// it asked for none.
/// </param>
/// <param name="Publications">What it has missed, oldest first; empty when it is not recovered.</param>
/// <param name="Position">
/// The position after those, from which on it hears everything. The epoch is empty where the room keeps no history, and
/// where the broker is away.
/// </param>
public sealed record Recovery(bool IsRecovered, IReadOnlyList<Publication> Publications, StreamPosition Position);

/// <summary>Why publications are lost.</summary>
public enum PositionLoss
{
    /// <summary>The broker has lost its memory and begun anew.</summary>
    EpochChanged,

    /// <summary>The history no longer reaches back to where the listener was.</summary>
    Trimmed,

    /// <summary>The broker has forgotten the newest publications, and gives their numbers to others: a fail-over.</summary>
    RolledBack,
}
