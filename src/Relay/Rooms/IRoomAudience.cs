using Weir.Relay.Brokers;
using Weir.Relay.Nodes;
using Weir.Rooms;

namespace Weir.Relay.Rooms;

/// <summary>
/// The members of a room on this node that use one protocol: Server-Sent Events, for example. There is one per room and protocol, so that a
/// publication is encoded once for all of them.
/// </summary>
/// <remarks>
/// All calls for one room come one after another, in the room's order, never two at the same time; they must not block, and exceptions that
/// they throw are logged and dropped. An audience lives as long as its room has members on this node.
/// </remarks>
public interface IRoomAudience
{
    /// <summary>A publication for all members of the audience.</summary>
    /// <param name="room">The room; <see cref="LocalRoom.Epoch"/> is the publication's.</param>
    /// <param name="publication">
    /// The publication. Its offset is one more than that of the one before it, except after <see cref="OnPositionLost"/>; 0 if the room has
    /// no history, or if the broker was unavailable and it reaches the members of this node only.
    /// </param>
    /// <param name="except">The publisher, if it is a member on this node; else <c>null</c>.</param>
    void OnPublication(LocalRoom room, Publication publication, IRoomMember? except);

    /// <summary>A client has joined or left the room, on any node. Called only if the room's rule has presence.</summary>
    void OnPresenceChanged(LocalRoom room, RoomMember member, bool hasJoined)
    {
    }

    /// <summary>
    /// Publications are lost for those in the room until now: members that need all of them must recover by other means. The sequence
    /// continues after <paramref name="now"/>.
    /// </summary>
    void OnPositionLost(LocalRoom room, StreamPosition now, PositionLoss reason);

    /// <summary>No publication follows immediately: the batch should be sent.</summary>
    void OnPause(LocalRoom room)
    {
    }
}

/// <summary>Creates the audiences of one protocol: one per room, at the first subscription of that protocol.</summary>
public interface IRoomAudienceFactory
{
    /// <summary>Creates the audience of a room. Called in the room's order, like the audience itself.</summary>
    IRoomAudience Create(LocalRoom room);
}

/// <summary>A subscriber, see <see cref="RelayNode.SubscribeAsync"/>.</summary>
public interface IRoomListener
{
    /// <summary>
    /// The subscription begins: publications that the audience is given after this call are new to this listener; earlier ones are in
    /// <paramref name="recovery"/> or older. The listener sends its answer and joins the audience before it returns. Called once, in the
    /// room's order; must not block.
    /// </summary>
    void OnSubscribed(IRoomAudience audience, Recovery recovery);
}

/// <summary>Where a subscription begins.</summary>
/// <param name="IsRecovered">
/// Whether <paramref name="Publications"/> are all that the listener has missed since its requested position. False if it gave none.
/// </param>
/// <param name="Publications">The missed publications, oldest first; empty if it is not recovered.</param>
/// <param name="Position">
/// The position after those, from which on it is given every publication. The epoch is empty if the room keeps no history, and if the
/// broker is unavailable.
/// </param>
public sealed record Recovery(bool IsRecovered, IReadOnlyList<Publication> Publications, StreamPosition Position);
