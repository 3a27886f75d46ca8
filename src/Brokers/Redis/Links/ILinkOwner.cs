namespace Weir.Brokers.Redis.Links;

/// <summary>Receives the events of a link. Called by the link's reader, in the order of the socket; must not block.</summary>
internal interface ILinkOwner
{
    /// <summary>Frames that arrived together follow.</summary>
    void OnBatchBegins();

    /// <summary>All of them were handled; always called.</summary>
    void OnBatchEnded();

    /// <summary>A message was published.</summary>
    /// <param name="link">The link on which it arrived.</param>
    /// <param name="channel">Valid during the call, like the payload.</param>
    /// <param name="payload">The message.</param>
    void OnMessage(SubscriberLink link, ReadOnlySpan<byte> channel, ReadOnlySpan<byte> payload);

    /// <summary>Redis ended a subscription without a request: another server has its slot now.</summary>
    void OnDropped(SubscriberLink link, string channel);

    /// <summary>The link is down; no further calls follow. Called once.</summary>
    void OnDown(SubscriberLink link, Exception reason);
}
