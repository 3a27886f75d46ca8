namespace Weir.Redis.Links;

/// <summary>Whom a link tells what arrives on it. Called by the link's reader, in the order of the socket; must not block.</summary>
internal interface ILinkOwner
{
    /// <summary>Frames that arrived together follow.</summary>
    void OnBatchBegins();

    /// <summary>All of them were handled; called in any case.</summary>
    void OnBatchEnded();

    /// <summary>Something was published.</summary>
    /// <param name="link">Where it came.</param>
    /// <param name="channel">Valid during the call, like the payload.</param>
    /// <param name="payload">What was published.</param>
    void OnMessage(SubscriberLink link, ReadOnlySpan<byte> channel, ReadOnlySpan<byte> payload);

    /// <summary>Redis has ended a subscription without being asked: its slot lives elsewhere now.</summary>
    void OnDropped(SubscriberLink link, string channel);

    /// <summary>The link is down; nothing comes from it any more. Called once.</summary>
    void OnDown(SubscriberLink link, Exception reason);
}
