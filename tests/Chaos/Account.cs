using Weir.Chaos.Matrix;

namespace Weir.Chaos;

/// <summary>The deliveries of one listener.</summary>
/// <param name="Room">Its room.</param>
/// <param name="Receipts">All that it received, in order.</param>
/// <param name="Reconnects">How often it had to reconnect.</param>
internal sealed record Account(string Room, IReadOnlyList<Receipt> Receipts, int Reconnects)
{
    /// <summary>Its protocol and transport; default: a stream of one room.</summary>
    public Way Way { get; init; } = Way.Sse;

    /// <summary>
    /// Whether the room may give messages without a position: one that is not durable does, to the members of a node whose broker is
    /// unavailable.
    /// </summary>
    public bool MayLackPositions { get; init; }

    public override string ToString() => $"a listener of {Room} by {Way.Name}";
}
