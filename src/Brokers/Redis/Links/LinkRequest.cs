namespace Weir.Brokers.Redis.Links;

/// <summary>A request on a link, and the task of its reply. Replies arrive in the order of the requests.</summary>
internal sealed class LinkRequest(LinkRequestKind kind, string? channel)
    : TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public LinkRequestKind Kind { get; } = kind;

    /// <summary>The channel to subscribe to or unsubscribe from; <c>null</c> for other commands.</summary>
    public string? Channel { get; } = channel;
}
