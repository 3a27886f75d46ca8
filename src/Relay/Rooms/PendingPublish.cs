using Weir.Relay.Brokers;
using Weir.Rooms;

namespace Weir.Relay.Rooms;

/// <summary>A publication of this node's own, from the call to the broker until its announcement.</summary>
internal sealed class PendingPublish(Publication publication, IRoomMember? publisher, bool mustBeStored)
{
    private volatile bool _isStored;

    public Publication Publication => publication;

    /// <summary>The member that is left out.</summary>
    public IRoomMember? Publisher => publisher;

    /// <summary>
    /// Its publisher is notified if the broker has not accepted it, so it reaches the members of this node only as an announcement: the
    /// room is durable, or the publisher gets an answer.
    /// </summary>
    public bool MustBeStored => mustBeStored;

    /// <summary>The broker has confirmed it. Written by the thread that completes the publish.</summary>
    public bool IsStored
    {
        get => _isStored;
        set => _isStored = value;
    }

    /// <summary>
    /// The room keeps history, but the broker could only announce it: it has no offset. Written before <see cref="IsStored"/>.
    /// </summary>
    public bool IsUnnumbered { get; set; }

    /// <summary>The next one in its <see cref="Outbox"/>, guarded by that.</summary>
    public PendingPublish? Next { get; set; }

    // Used by the room's event loop only, from here on.

    /// <summary>The members of this node have been sent it already, without the broker.</summary>
    public bool IsDeliveredToMembers { get; set; }

    /// <summary>The audiences of this node have been given it already, without the broker.</summary>
    public bool IsDeliveredToAudiences { get; set; }

    /// <summary>The broker certainly has not stored it; it waits for earlier publications that may be stored.</summary>
    public bool IsNotStored { get; set; }

    /// <summary>It has been announced, or the history had it.</summary>
    public bool IsAnnounced { get; set; }

    /// <summary>
    /// The number of the last read of the history that had begun when its result became unknown; negative if it is not unknown.
    /// </summary>
    public int UnknownSinceRead { get; set; } = -1;

    /// <summary>The publish has failed: it is not stored, or that is unknown.</summary>
    public bool HasFailed => IsNotStored || (UnknownSinceRead >= 0 && !IsStored);
}
