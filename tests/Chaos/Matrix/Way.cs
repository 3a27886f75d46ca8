namespace Weir.Chaos.Matrix;

/// <summary>A protocol and transport for clients that listen.</summary>
/// <param name="Name">Its name in the table.</param>
/// <param name="HasPositions">
/// Whether its protocol has offsets and notifies of a loss. Without: order and "not twice" are checked, gaps are not.
/// </param>
internal sealed record Way(string Name, bool HasPositions)
{
    /// <summary>
    /// Whether the order of deliveries is the server's. Otherwise it is checked as a set: complete, and none twice; and the table
    /// has no column for it.
    /// </summary>
    public bool KeepsOrder { get; init; } = true;

    public static Way Raw { get; } = new("raw WebSocket", HasPositions: false);

    public static Way RelayClient { get; } = new(".NET RelayClient", HasPositions: false);

    public static Way Sse { get; } = new("/sse, one room", HasPositions: true);

    public static Way SseOfTwo { get; } = new("/sse, two rooms", HasPositions: true);

    public static Way SseOverHttp2 { get; } = new("/sse, HTTP/2", HasPositions: true);

    public static Way HttpStreamOverHttp2 { get; } = new("http_stream, HTTP/2", HasPositions: true);

    public static Way CentrifugoClient { get; } = new(".NET CentrifugoClient", HasPositions: true);

    public static Way Sdk(string transport) => new($"Centrifugo SDK, {transport}", HasPositions: true);

    /// <summary>What a client gives to its application, where that has another order than what was sent to it.</summary>
    public static Way Application(Way way) => way with { Name = way.Name + ", application", KeepsOrder = false };
}
