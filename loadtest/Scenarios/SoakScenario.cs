using System.CommandLine;
using Weir.LoadTest.Measuring;
using Weir.LoadTest.Workers;

namespace Weir.LoadTest.Scenarios;

/// <summary>Hours of ordinary life: does anything grow?</summary>
internal sealed class SoakScenario() : Scenario("soak", "Rooms with messages, clients that come and go, for hours; fits a line through the server's memory")
{
    // Until then code is compiled, pools fill, and the heap finds its size.
    private const double WarmUp = 0.2;

    private readonly RoomOptions _rooms = new(connections: 2000, rooms: 50, membersPerRoom: 20, publishRate: 200, slow: 0, holdFor: "1h");
    private readonly Option<double> _churn = OptionKit.Of("--churn", 20.0, "Connections per second that leave and come back: of those in rooms where nothing happens");

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
        stage.TellMessages(soak, seconds, "deliveries", "delivery");
        TellGrowth(stage);
        stage.RequireNoLoss(soak, "deliveries");
        await stage.CloseAsync();
    }

    /// <summary>Slope of the line that fits best, in units of y per unit of x; null for less than two points.</summary>
    internal static double? Slope(IReadOnlyList<(double X, double Y)> points)
    {
        if (points.Count < 2)
        {
            return null;
        }

        double x = points.Average(static each => each.X);
        double y = points.Average(static each => each.Y);
        double width = points.Sum(each => (each.X - x) * (each.X - x));
        return width == 0 ? null : points.Sum(each => (each.X - x) * (each.Y - y)) / width;
    }

    private static void TellGrowth(Stage stage)
    {
        Sample[] soaked = [.. stage.Conductor.Samples.Where(static each => each.Phase == "soak")];
        (double, double)[] points = [.. soaked.Skip((int)(soaked.Length * WarmUp))
            .Where(static each => each.ServerBytes is not null)
            .Select(static each => (each.Seconds / 3600, each.ServerBytes!.Value / 1e6))];
        stage.Outcome.MegabytesPerHour = Slope(points);
        if (stage.Outcome.MegabytesPerHour is { } slope)
        {
            stage.WriteLine($"server memory grows by {slope:N1} MB per hour, by the last {points.Length:N0} of {soaked.Length:N0} samples");
            stage.Outcome.Add("growth of server memory", slope, "MB/h");
        }
    }
}
