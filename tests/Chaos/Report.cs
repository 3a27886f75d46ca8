namespace Weir.Chaos;

/// <summary>What a scenario came to. All that may not be is in <see cref="Violations"/>.</summary>
internal sealed record Report(
    int Confirmed,
    int Failed,
    int Deliveries,
    int Reconnects,
    int Told,
    int EpochsCrossed,
    IReadOnlyList<Violation> Violations)
{
    public override string ToString() =>
        $"{Confirmed} confirmed, {Failed} failed, {Deliveries} deliveries, {Reconnects} reconnects, {Told} told of a loss, "
        + $"{EpochsCrossed} epochs crossed without one, {Violations.Count} violations";
}
