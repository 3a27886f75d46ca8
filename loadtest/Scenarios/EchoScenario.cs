using System.CommandLine;
using Weir.LoadTest.Measuring;
using Weir.LoadTest.Workers;

namespace Weir.LoadTest.Scenarios;

/// <summary>Messages there and back.</summary>
internal sealed class EchoScenario() : Scenario("echo", "Messages that come back: at a rate (open loop), or as fast as they are answered with so many under way on each connection (closed loop)")
{
    private readonly Option<int> _connections = OptionKit.Of("--connections", 50, "Connections");
    private readonly Option<double> _rate =
        OptionKit.Of("--rate", 0.0, "Messages per second over all connections, sent when they are due; 0: closed loop");
    private readonly Option<int> _depth = OptionKit.Of("--depth", 1, "Closed loop: messages under way on each connection");
    private readonly Option<int> _payload = OptionKit.Of("--payload-bytes", 125, "Of each message");
    private readonly Option<TimeSpan> _hold = OptionKit.Time("--for", "10s", "How long");
    private readonly Option<TimeSpan> _warm = OptionKit.Time("--warm-up", "2s", "The same before, not counted");

    public override string RawPath => "/echo";

    protected override IEnumerable<Option> Options => [_connections, _rate, _depth, _payload, _hold, _warm];

    public override WorkerPlan Plan(ParseResult parsed, WorkerPlan plan) => plan with
    {
        Activity = ActivityKind.Echo,
        Connections = parsed.GetValue(_connections),
        EchoRate = parsed.GetValue(_rate),
        Depth = parsed.GetValue(_depth),
        PayloadBytes = parsed.GetValue(_payload),
    };

    public override string? Problem(ParseResult parsed, WorkerPlan plan)
        => plan.Depth < 1 || plan.PayloadBytes < 1 ? "--depth and --payload-bytes are 1 at least." : base.Problem(parsed, plan);

    public override async Task PlayAsync(Stage stage)
    {
        if (!await stage.OpenAsync())
        {
            return;
        }

        if (stage.Parsed.GetValue(_warm) is { Ticks: > 0 } warm)
        {
            stage.Conductor.Begin("warm up");
            await stage.Conductor.RestAsync(warm);
            await stage.Conductor.FinishAsync();
        }

        stage.Conductor.Begin("echo");
        await stage.Conductor.HoldAsync(stage.Parsed.GetValue(_hold));
        double seconds = stage.Conductor.Phase.Seconds;
        await stage.Conductor.FinishAsync();
        PhaseRecord echo = stage.Conductor.Phase;
        echo.End();
        stage.ReportMessages(echo, seconds);
        if (stage.Plan.EchoRate == 0 && echo.Counts.Received > 0)
        {
            // In a closed loop a waiting client sends no message that could be late: add those that the pace of the others would have sent.
            double interval = seconds * stage.Plan.Connections * stage.Plan.Depth / echo.Counts.Received;
            stage.Outcome.Latency = stage.Outcome.Latency.CorrectedFor((long)(interval * 1e6));
            stage.WriteLine($"corrected for coordinated omission, at one per {interval * 1000:N3} ms: {Stage.Describe(stage.Outcome.Latency)}");
            stage.Outcome.Add("p99, corrected", stage.Outcome.Latency.At(99), "ms");
        }

        stage.RequireNoLoss(echo, "messages");
        await stage.CloseAsync();
    }
}
