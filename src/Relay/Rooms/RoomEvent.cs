using Weir.Relay.Brokers;

namespace Weir.Relay.Rooms;

/// <summary>One event in a room's inbox.</summary>
internal readonly record struct RoomEvent(RoomEventKind Kind, object? Subject = null, object? Detail = null);

internal enum RoomEventKind
{
    /// <summary>A publication was announced, with its epoch.</summary>
    Publication,

    /// <summary>A member joined on any node.</summary>
    Joined,

    /// <summary>A member left on any node.</summary>
    Left,

    /// <summary>A listener subscribes: a <see cref="Subscribing"/>.</summary>
    Subscribe,

    /// <summary>The position must be compared with the broker's.</summary>
    Check,

    /// <summary>The top of the history as it was after the room was subscribed to.</summary>
    Located,

    /// <summary>The history was read, or (with the exception as detail) could not be.</summary>
    HistoryRead,

    /// <summary>A <see cref="PendingPublish"/> has failed: not stored.</summary>
    NotStored,

    /// <summary>A <see cref="PendingPublish"/> has failed: unknown whether it is stored.</summary>
    MaybeStored,

    /// <summary>The broker is unavailable: publications that wait for their announcement are given to the members of this node.</summary>
    Away,

    /// <summary>
    /// This node has skipped an offset, a <see cref="StreamPosition"/>, for publications that it has delivered without one.
    /// </summary>
    Skipped,

    /// <summary>The room is subscribed to anew, without a member that was given an earlier publication.</summary>
    Reset,
}
