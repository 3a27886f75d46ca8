namespace Weir.Chaos;

/// <summary>The result of a scenario. All faults are in <see cref="Violations"/>.</summary>
internal sealed record Report(
    int Confirmed,
    int Failed,
    int Deliveries,
    int Reconnects,
    int Losses,
    int EpochsCrossed,
    IReadOnlyList<Violation> Violations)
{
    public override string ToString() =>
        $"{Confirmed} confirmed, {Failed} failed, {Deliveries} deliveries, {Reconnects} reconnects, {Losses} losses notified, "
        + $"{EpochsCrossed} epochs crossed without one, {Violations.Count} violations";
}
