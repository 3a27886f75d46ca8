using Weir.Chaos.Matrix;

namespace Weir.Chaos;

/// <summary>One listener's story.</summary>
/// <param name="Room">Where it listened.</param>
/// <param name="Heard">All that it heard, in order.</param>
/// <param name="Reconnects">How often it had to come back.</param>
internal sealed record Account(string Room, IReadOnlyList<Heard> Heard, int Reconnects)
{
    /// <summary>The way in; default: a stream of one room.</summary>
    public Way Way { get; init; } = Way.Sse;

    /// <summary>
    /// Whether the room may give messages without a position: one that is not durable does, to the members of a node whose broker is
    /// away.
    /// </summary>
    public bool MayLackPositions { get; init; }

    public override string ToString() => $"a listener of {Room} by {Way.Name}";
}
