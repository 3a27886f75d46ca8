namespace Weir.Brokers.Redis.Links;

/// <summary>Receives the events of the subscriptions.</summary>
internal interface IAnnouncementTarget
{
    /// <summary>A batch of announcements that arrived together follows on this thread.</summary>
    void OnBatchBegins();

    /// <summary>The end of the batch.</summary>
    void OnBatchEnded();

    /// <summary>An announcement arrived on a subscribed channel. In the order of the channel.</summary>
    void OnAnnouncement(ChannelSubscription subscription, ReadOnlyMemory<byte> announcement);

    /// <summary>Announcements may be missed from now on.</summary>
    void OnDisturbed(string what, Exception? reason);
}
