namespace Weir.Redis.Links;

/// <summary>What was asked of Redis on a link, and who waits for the answer. Answers come in the order of the requests.</summary>
internal sealed class LinkRequest(LinkRequestKind kind, string? channel)
    : TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public LinkRequestKind Kind { get; } = kind;

    /// <summary>What is subscribed to or no longer; null for other commands.</summary>
    public string? Channel { get; } = channel;
}
