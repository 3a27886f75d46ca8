namespace Weir.Redis.Links;

/// <summary>A channel that this node wants to hear. The link and its confirmation are guarded by the gate of <see cref="Subscriptions"/>.</summary>
internal sealed class Subscription(string channel, string? room)
{
    public string Channel { get; } = channel;

    /// <summary>The room whose channel it is; null for messages from node to node.</summary>
    public string? Room { get; } = room;

    /// <summary>Where it was asked for last.</summary>
    public SubscriberLink? Link { get; set; }

    /// <summary>Done when Redis has confirmed it there; null until it is asked for.</summary>
    public Task? Confirmation { get; set; }

    /// <summary>The epoch of the last announcement: the next has nearly always the same. Used by the reader of the link only.</summary>
    public string Epoch { get; set; } = "";
}
