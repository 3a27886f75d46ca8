namespace Weir.Chaos.Matrix;

/// <summary>A way in for clients that listen.</summary>
/// <param name="Name">As the table names it.</param>
/// <param name="HasPositions">
/// Whether its protocol numbers publications and has a word for a loss. Without: order and "not twice" are judged, gaps are not.
/// </param>
internal sealed record Way(string Name, bool HasPositions)
{
    public static Way Raw { get; } = new("raw WebSocket", HasPositions: false);

    public static Way RelayClient { get; } = new(".NET RelayClient", HasPositions: false);

    public static Way Sse { get; } = new("/sse, one room", HasPositions: true);

    public static Way SseOfTwo { get; } = new("/sse, two rooms", HasPositions: true);

    public static Way Sdk(string transport) => new($"Centrifugo SDK, {transport}", HasPositions: true);

    public static Way CentrifugoClient { get; } = new(".NET CentrifugoClient", HasPositions: true);
}
