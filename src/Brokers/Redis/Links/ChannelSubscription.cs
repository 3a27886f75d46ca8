namespace Weir.Brokers.Redis.Links;

/// <summary>A channel to which this node subscribes. <see cref="Subscriptions"/>' gate guards the link and its confirmation.</summary>
internal sealed class ChannelSubscription(string channel, string? room)
{
    public string Channel { get; } = channel;

    /// <summary>The room of the channel; <c>null</c> for messages from node to node.</summary>
    public string? Room { get; } = room;

    /// <summary>The link on which it was requested last.</summary>
    public SubscriberLink? Link { get; set; }

    /// <summary>Completes when Redis has confirmed it on that link; <c>null</c> until it is requested.</summary>
    public Task? Confirmation { get; set; }

    /// <summary>The epoch of the last announcement; the next nearly always has the same. Used by the link's reader only.</summary>
    public string Epoch { get; set; } = "";
}
