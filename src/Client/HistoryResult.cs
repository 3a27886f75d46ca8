namespace Weir.Client;

/// <summary>A part of a channel's history.</summary>
/// <param name="Publications">In the order that was asked for.</param>
/// <param name="Top">Where the channel is.</param>
public sealed record HistoryResult(IReadOnlyList<Publication> Publications, StreamPosition Top);
