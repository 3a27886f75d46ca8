using System.CommandLine;
using Weir.LoadTest.Activities;
using Weir.LoadTest.Measuring;
using Weir.LoadTest.Workers;

namespace Weir.LoadTest.Scenarios;

/// <summary>Openings that must be refused, beside clients that must not be affected.</summary>
internal sealed class FloodScenario(string name, string description, bool isOfTokens) : Scenario(name, description)
{
    private readonly Option<int> _connections =
        OptionKit.Of("--connections", 50, "Good connections, whose messages are to come back in time");
    private readonly Option<double> _rate = OptionKit.Of("--rate", 500.0, "Their messages per second");
    private readonly Option<double> _floodRate =
        OptionKit.Of("--flood-rate", 0.0, "Bad openings per second; 0: as fast as they are refused");
    private readonly Option<int> _floodAtOnce = OptionKit.Of("--flood-at-once", 64, "Bad openings under way at a time");
    private readonly Option<TimeSpan> _hold = OptionKit.Time("--for", "10s", "How long");

    public static FloodScenario Handshakes() => new(
        "bad-handshakes", "A flood of handshakes that break the rules: without a key, with a head too long, or no HTTP at all",
            isOfTokens: false);

    public static FloodScenario Tokens() => new(
        "bad-tokens", "A flood of clients with tokens that are none, are forged, or have expired; the good ones show --token",
            isOfTokens: true);

    public override string RawPath => "/echo";

    protected override IEnumerable<Option> Options => [_connections, _rate, _floodRate, _floodAtOnce, _hold];

    public override WorkerPlan Plan(ParseResult parsed, WorkerPlan plan) => plan with
    {
        Activity = ActivityKind.Flood,
        IsFloodOfTokens = isOfTokens,
        Connections = parsed.GetValue(_connections),
        EchoRate = parsed.GetValue(_rate),
        FloodRate = parsed.GetValue(_floodRate),
        FloodAtOnce = parsed.GetValue(_floodAtOnce),
    };

    public override string? Problem(ParseResult parsed, WorkerPlan plan)
        => plan.EchoRate <= 0 || plan.FloodAtOnce < 1 ? "--rate and --flood-at-once are above 0." : base.Problem(parsed, plan);

    public override async Task PlayAsync(Stage stage)
    {
        if (!await stage.OpenAsync())
        {
            return;
        }

        stage.Conductor.Begin("flood");
        await stage.Conductor.HoldAsync(stage.Parsed.GetValue(_hold));
        double seconds = stage.Conductor.Phase.Seconds;
        await stage.Conductor.FinishAsync();
        PhaseRecord flood = stage.Conductor.Phase;
        flood.End();
        long refused = flood.Counts.Rebuffs.Values.Sum();
        long acceptedBad = flood.Counts.Problems.GetValueOrDefault(FloodActivity.AcceptedBad);
        stage.ReportMessages(flood, seconds);
        stage.WriteLine($"{refused:N0} bad openings refused, {refused / seconds:N0}/s");
        stage.WriteCounts("refused", flood.Counts.Rebuffs);
        stage.Outcome.Add("bad openings refused", refused / seconds, "/s");
        stage.Outcome.Add("server CPU per refusal", flood.ServerMicrosecondsPer(refused), "us");
        stage.RequireNoLoss(flood, "messages");
        stage.RunResult.Require(acceptedBad == 0 && refused > 0, $"{acceptedBad:N0} of {refused + acceptedBad:N0} bad ones were let in");
        await stage.CloseAsync();
    }
}
