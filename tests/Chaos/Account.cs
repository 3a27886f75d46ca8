namespace Weir.Chaos;

/// <summary>One listener's story.</summary>
/// <param name="Room">Where it listened.</param>
/// <param name="Heard">All that it heard, in order.</param>
/// <param name="Reconnects">How often it had to come back.</param>
internal sealed record Account(string Room, IReadOnlyList<Heard> Heard, int Reconnects)
{
    public override string ToString() => $"a listener of {Room}";
}
