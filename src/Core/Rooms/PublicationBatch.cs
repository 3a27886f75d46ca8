using System.Diagnostics.CodeAnalysis;
using Weir.Protocol;
using Weir.Sending;

namespace Weir.Rooms;

/// <summary>
/// Collects publications to rooms while they are for the same members, so that a member gets a burst with one copy, one lock and one
/// flush. For code that publishes several messages in one step, outside of a connection's pass: the event loop of a room, a
/// protocol's encoder. Not thread-safe.
/// </summary>
[Experimental("WEIR001")]
public sealed class PublicationBatch
{
    private readonly SharedFramesPool _pool;
    private BatchedPublications _publications;

    /// <summary>Creates an empty batch, which holds no memory.</summary>
    /// <param name="rooms">The directory of the rooms that are published to.</param>
    public PublicationBatch(RoomDirectory rooms)
    {
        ArgumentNullException.ThrowIfNull(rooms);
        _pool = rooms.Frames;
    }

    /// <summary>
    /// Adds one message for every member of <paramref name="room"/> but <paramref name="except"/>. Delivers the earlier ones first if
    /// they are for other members, or if this one or they have a key or copies.
    /// </summary>
    /// <param name="room">The room.</param>
    /// <param name="payload">The message; copied before the call returns. Text must be valid UTF-8.</param>
    /// <param name="kind">Text or binary.</param>
    /// <param name="except">A member that is left out; <c>null</c>: sent to all.</param>
    /// <param name="key">See <c>WeirConnection.Send</c>; <c>null</c>: the message replaces none.</param>
    /// <param name="copies">The message's copies in other rooms; <c>null</c> if this is the only one.</param>
    public void Add(
        Room room,
        ReadOnlySpan<byte> payload,
        MessageKind kind,
        IRoomMember? except = null,
        string? key = null,
        MessageCopies? copies = null)
        => _publications.Add(room, except, (Opcode)kind, payload, key, copies, _pool);

    /// <summary>Delivers the messages added so far; no effect if there are none. Must follow the last <see cref="Add"/>.</summary>
    public void Deliver() => _publications.Deliver();
}
