namespace Weir.Client.Events;

/// <summary>A part of a channel's history.</summary>
/// <param name="Publications">In the requested order.</param>
/// <param name="Top">The current position of the channel.</param>
public sealed record HistoryResult(IReadOnlyList<ClientPublication> Publications, ClientStreamPosition Top);
