using System.CommandLine;
using Weir.LoadTest.Measuring;
using Weir.LoadTest.Workers;

namespace Weir.LoadTest.Scenarios;

/// <summary>
/// Rooms, published to at a steady rate, every delivery accounted for; as <c>fanout</c>, <c>slow</c> and <c>steady</c>, which
/// differ in their defaults.
/// </summary>
internal sealed class RoomsScenario(string name, string description, RoomOptions options) : Scenario(name, description)
{
    private readonly Option<bool> _expectDrain = OptionKit.Of("--expect-drain", false,
        "At the end have the server close all with 1001: it is sent SIGTERM, or gets it from elsewhere");
    private readonly Option<TimeSpan> _drainTimeout = OptionKit.Time("--drain-timeout", "60s", "How long that may take");

    public static RoomsScenario Fanout() => new(
        "fanout",
        "One or more rooms, messages to all their members at a rate or as fast as they arrive",
        new RoomOptions(connections: 1001, rooms: 1, membersPerRoom: 1000, publishRate: 100, slow: 0, holdFor: "10s"));

    public static RoomsScenario Slow() => new(
        "slow",
        "Clients that stop reading beside fast ones: these must not be affected, and those must be closed with 1009 \"too slow\"",
        new RoomOptions(connections: 411, rooms: 20, membersPerRoom: 19, publishRate: 500, slow: 10, holdFor: "20s"));

    public static RoomsScenario Steady() => new(
        "steady",
        "All at once: connections in rooms, messages, heartbeats, slow clients, and a drain at the end",
        new RoomOptions(connections: 1000, rooms: 50, membersPerRoom: 10, publishRate: 100, slow: 0, holdFor: "30s"));

    protected override IEnumerable<Option> Options => [.. options.All, _expectDrain, _drainTimeout];

    public override WorkerPlan Plan(ParseResult parsed, WorkerPlan plan) => options.Plan(parsed, plan);

    public override string? Problem(ParseResult parsed, WorkerPlan plan) => base.Problem(parsed, plan) ?? options.Problem(parsed, plan);

    public override async Task PlayAsync(Stage stage)
    {
        if (!await stage.OpenAsync())
        {
            return;
        }

        stage.Conductor.Begin("hold");
        await stage.Conductor.HoldAsync(stage.Parsed.GetValue(options.HoldFor));
        double seconds = stage.Conductor.Phase.Seconds;
        await stage.Conductor.FinishAsync();
        PhaseRecord held = stage.Conductor.Phase;
        held.End();
        stage.ReportMessages(held, seconds, "deliveries", "delivery");
        await stage.CloseAsync(stage.Parsed.GetValue(_expectDrain), stage.Parsed.GetValue(_drainTimeout));
        stage.RequireNoLoss(held, "deliveries");
        if (stage.Plan.Slow > 0)
        {
            string code = stage.Plan.IsCentrifugo ? "3008" : "1009";
            stage.RunResult.Require(
                held.Counts.SlowClosed == stage.Plan.Slow,
                $"{held.Counts.SlowClosed:N0} of {stage.Plan.Slow:N0} slow ones read on and were closed with {code} \"too slow\"");
        }
    }
}
