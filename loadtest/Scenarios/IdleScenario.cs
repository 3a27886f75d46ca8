using System.CommandLine;
using Weir.LoadTest.Measuring;
using Weir.LoadTest.Workers;

namespace Weir.LoadTest.Scenarios;

/// <summary>Idle connections: their memory, and the cost of heartbeats.</summary>
internal sealed class IdleScenario()
    : Scenario("idle", "Opens connections and holds them; they answer the server's heartbeats and do nothing else")
{
    private readonly Option<int> _connections = OptionKit.Of("--connections", 10_000, "Connections");
    private readonly Option<TimeSpan> _hold = OptionKit.Time("--for", "60s", "How long they are held");

    protected override IEnumerable<Option> Options => [_connections, _hold];

    public override WorkerPlan Plan(ParseResult parsed, WorkerPlan plan) => plan with { Connections = parsed.GetValue(_connections) };

    public override async Task PlayAsync(Stage stage)
    {
        if (!await stage.OpenAsync(measuresHandshakes: true))
        {
            return;
        }

        stage.Conductor.Begin("hold");
        await stage.Conductor.HoldAsync(stage.Parsed.GetValue(_hold));
        await stage.Conductor.FinishAsync();
        PhaseRecord held = stage.Conductor.Phase;
        held.End();
        stage.WriteLine(
            $"held {stage.Conductor.Open:N0} for {held.Seconds:N0} s, {held.Counts.Heartbeats:N0} heartbeats; CPU: {Stage.DescribeCpu(held)}");
        stage.Outcome.Add("heartbeats", held.Counts.Heartbeats, "");
        stage.Outcome.Add("server CPU per heartbeat", held.ServerMicrosecondsPer(held.Counts.Heartbeats), "us");
        stage.RequireNoLoss(held, "messages");
        await stage.CloseAsync();
    }
}
