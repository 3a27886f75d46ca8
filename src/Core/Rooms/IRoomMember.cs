using Weir.Diagnostics;
using Weir.Sending;

namespace Weir.Rooms;

/// <summary>
/// A member of rooms: a <c>WeirConnection</c>, or a client of another protocol or transport that shares the rooms of WebSocket
/// connections. Implementations are thread-safe.
/// </summary>
public interface IRoomMember
{
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
    /// Prefetches the objects that <see cref="SendShared"/> is about to use. A hint: no effect by default.
    /// </summary>
    /// <param name="callsBefore">How many members are sent to before this one: 2, later 1.</param>
    void FetchAhead(int callsBefore)
    {
    }
}
