using System.CommandLine;
using Weir.LoadTest.Measuring;
using Weir.LoadTest.Workers;

namespace Weir.LoadTest.Scenarios;

/// <summary>Hours of ordinary life: does anything grow?</summary>
internal sealed class SoakScenario()
    : Scenario("soak", "Rooms with messages, clients that come and go, for hours; fits a line through the server's memory")
{
    private readonly RoomOptions _rooms = new(connections: 2000, rooms: 50, membersPerRoom: 20, publishRate: 200, slow: 0, holdFor: "1h");
    private readonly Option<double> _churn =
        OptionKit.Of("--churn", 20.0, "Connections per second that leave and come back: of those in rooms where nothing happens");

    protected override IEnumerable<Option> Options => [.. _rooms.All, _churn];

    public override WorkerPlan Plan(ParseResult parsed, WorkerPlan plan)
        => _rooms.Plan(parsed, plan) with { ChurnRate = parsed.GetValue(_churn) };

    public override string? Problem(ParseResult parsed, WorkerPlan plan) => base.Problem(parsed, plan) ?? _rooms.Problem(parsed, plan);

    public override async Task PlayAsync(Stage stage)
    {
        if (!await stage.OpenAsync())
        {
            return;
        }

        stage.Conductor.Begin("soak");
        await stage.Conductor.HoldAsync(stage.Parsed.GetValue(_rooms.HoldFor));
        double seconds = stage.Conductor.Phase.Seconds;
        await stage.Conductor.FinishAsync();
        PhaseRecord soak = stage.Conductor.Phase;
        soak.End();
        stage.ReportMessages(soak, seconds, "deliveries", "delivery");
        ReportGrowth(stage);
        stage.RequireNoLoss(soak, "deliveries");
        await stage.CloseAsync();
    }

    private static void ReportGrowth(Stage stage)
    {
        (double, long)[] samples = [.. stage.Conductor.Samples
            .Where(static each => each.Phase == "soak" && each.ServerBytes is not null)
            .Select(static each => (each.Seconds, each.ServerBytes!.Value))];
        stage.Outcome.MegabytesPerHour = Growth.MegabytesPerHour(samples);
        if (stage.Outcome.MegabytesPerHour is { } slope)
        {
            stage.WriteLine($"server memory grows by {slope:N1} MB per hour, by {samples.Length:N0} samples without the first fifth");
            stage.Outcome.Add("growth of server memory", slope, "MB/h");
        }
    }
}
