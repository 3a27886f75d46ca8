using Weir.Closing;
using Weir.Diagnostics;
using Weir.Protocol;
using Weir.Sending;

namespace Weir.Rooms;

/// <summary>
/// A member of rooms: a <c>WeirConnection</c>, or a client of another protocol or transport that shares the rooms of WebSocket
/// connections. Implementations are thread-safe.
/// </summary>
public interface IRoomMember
{
    /// <summary>
    /// The member's id: not empty, unique among the members of this process while it exists, and the same for as long. By it the relay
    /// names the member in the presence of a room. A <c>WeirConnection</c> has its transport's id; another kind of member may use a GUID.
    /// </summary>
    string Id { get; }

    /// <summary>The rooms that the member is in; the same object for as long as the member exists.</summary>
    RoomMemberships Memberships { get; }

    /// <summary>
    /// Sends the messages of a room. Called on the publisher's thread, possibly by several threads concurrently for several
    /// rooms: it must not block, throw, or call back into a room.
    /// </summary>
    /// <param name="frames">
    /// One message or more, valid until the call returns. A member that sends them later calls
    /// <see cref="SharedFrames.AddReference"/> now and <see cref="SharedFrames.Release"/> then.
    /// </param>
    /// <param name="key">
    /// The key of a message that replaces a queued one of the same key; <c>null</c>: the messages replace none.
    /// </param>
    /// <param name="sent">Counts for Weir's own metrics; a member with metrics of its own leaves it unchanged.</param>
    void SendShared(SharedFrames frames, string? key, ref TrafficBatch sent);

    /// <summary>
    /// Ends the member, as a close frame does for a WebSocket connection: called by the relay where a durable room does not store the
    /// member's message (1013 "not stored"). May be called by any thread and more than once; must not block or throw. The member then
    /// closes <see cref="Memberships"/>.
    /// </summary>
    /// <param name="code">Why, for the client. A protocol without close codes maps it to its own.</param>
    /// <param name="reason">A few words for the client, at most 123 bytes of UTF-8.</param>
    /// <param name="cause">Why, for metrics and logs.</param>
    /// <returns>False if the member had ended or was ending before; code, reason and cause are ignored then.</returns>
    bool Close(CloseCode code, string reason, CloseCause cause);

    /// <summary>
    /// Prefetches the objects that <see cref="SendShared"/> is about to use. A hint: no effect by default.
    /// </summary>
    /// <param name="callsBefore">How many members are sent to before this one: 2, later 1.</param>
    void FetchAhead(int callsBefore)
    {
    }
}
