namespace Weir.Relay.Rooms;

/// <summary>A publication of this node's own, from the call to the broker until it has come back as an announcement.</summary>
internal sealed class PendingPublish(Publication publication, WeirConnection? publisher)
{
    private volatile bool _isStored;

    public Publication Publication => publication;

    /// <summary>Who does not hear it.</summary>
    public WeirConnection? Publisher => publisher;

    /// <summary>The broker has said that it has it. Written by whoever completes the publish.</summary>
    public bool IsStored
    {
        get => _isStored;
        set => _isStored = value;
    }

    /// <summary>The one after it in its <see cref="Outbox"/>, guarded by that.</summary>
    public PendingPublish? Next { get; set; }

    // From here on the room's drain's own.

    /// <summary>The members of this node have been given it already, without the broker.</summary>
    public bool IsHeardByMembers { get; set; }

    /// <summary>The audiences of this node have been given it already, without the broker.</summary>
    public bool IsHeardByAudiences { get; set; }

    /// <summary>The number of the last read of the history that had begun when its fate became unknown; negative: it is not unknown.</summary>
    public int UnknownSinceRead { get; set; } = -1;
}
