namespace Weir.Redis.Links;

/// <summary>What the subscriptions have to say to the broker.</summary>
internal interface IAnnouncementTarget
{
    /// <summary>What arrived together follows on this thread.</summary>
    void OnBatchBegins();

    /// <summary>The end of what arrived together.</summary>
    void OnBatchEnded();

    /// <summary>Something was announced on a channel that was asked for. In the order of the channel.</summary>
    void OnAnnouncement(Subscription subscription, ReadOnlyMemory<byte> announcement);

    /// <summary>Announcements may be missed from now on.</summary>
    void OnDisturbed(string what, Exception? reason);
}
