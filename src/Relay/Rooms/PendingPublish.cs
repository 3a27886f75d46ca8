namespace Weir.Relay.Rooms;

/// <summary>A publication of this node's own, from the call to the broker until it has come back as an announcement.</summary>
internal sealed class PendingPublish(Publication publication, WeirConnection? publisher, bool mustBeStored)
{
    private volatile bool _isStored;

    public Publication Publication => publication;

    /// <summary>Who does not hear it.</summary>
    public WeirConnection? Publisher => publisher;

    /// <summary>
    /// Its publisher is notified if the broker has not taken it, so it reaches the members of this node only as an
    /// announcement: the room is durable, or the publisher gets an answer.
    /// </summary>
    public bool MustBeStored => mustBeStored;

    /// <summary>The broker has said that it has it. Written by whoever completes the publish.</summary>
    public bool IsStored
    {
        get => _isStored;
        set => _isStored = value;
    }

    /// <summary>
    /// The room keeps history, but the broker could only announce it: it has no number. Written before <see cref="IsStored"/>.
    /// </summary>
    public bool IsUnnumbered { get; set; }

    /// <summary>The one after it in its <see cref="Outbox"/>, guarded by that.</summary>
    public PendingPublish? Next { get; set; }

    // From here on the room's drain's own.

    /// <summary>The members of this node have been given it already, without the broker.</summary>
    public bool IsHeardByMembers { get; set; }

    /// <summary>The audiences of this node have been given it already, without the broker.</summary>
    public bool IsHeardByAudiences { get; set; }

    /// <summary>The broker certainly does not have it; it waits for what was published before it and may be stored.</summary>
    public bool IsNotStored { get; set; }

    /// <summary>Its announcement has come, or the history had it.</summary>
    public bool IsAnnounced { get; set; }

    /// <summary>The number of the last read of the history that had begun when its fate became unknown; negative: it is not unknown.</summary>
    public int UnknownSinceRead { get; set; } = -1;

    /// <summary>The publish has failed: it is not stored, or that is unknown.</summary>
    public bool HasFailed => IsNotStored || (UnknownSinceRead >= 0 && !IsStored);
}
