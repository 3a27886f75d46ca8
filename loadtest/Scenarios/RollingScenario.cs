using System.CommandLine;
using System.Diagnostics;
using Weir.LoadTest.Measuring;
using Weir.LoadTest.Running;
using Weir.LoadTest.Workers;

namespace Weir.LoadTest.Scenarios;

/// <summary>A deploy as it should be: nobody is cut, everybody is told.</summary>
internal sealed class RollingScenario() : Scenario("rolling", "Two servers with half of the clients each; one is told to go and drains, and its clients come back at the other. Needs --server, which is started twice")
{
    private readonly Option<int> _connections = OptionKit.Of("--connections", 4_000, "Connections");
    private readonly Option<TimeSpan> _backoff =
        OptionKit.Time("--backoff", "100ms", "A client waits so long, and up to as long again, twice as long after each failure");
    private readonly Option<TimeSpan> _limit = OptionKit.Time("--drain-timeout", "90s", "How long the drain may take");

    public override int Servers => 2;

    protected override IEnumerable<Option> Options => [_connections, _backoff, _limit];

    public override WorkerPlan Plan(ParseResult parsed, WorkerPlan plan) => plan with
    {
        Connections = parsed.GetValue(_connections),
        ComesBack = true,
        Backoff = parsed.GetValue(_backoff),
    };

    public override string? Problem(ParseResult parsed, WorkerPlan plan)
        => parsed.GetValue(CommonOptions.Server) is null ? "rolling needs --server: two are started." : base.Problem(parsed, plan);

    public override async Task PlayAsync(Stage stage)
    {
        if (!await stage.OpenAsync())
        {
            return;
        }

        LocalServer leaving = stage.Conductor.Servers[0];
        int all = stage.Conductor.Connections;
        stage.Conductor.Begin("drain");
        long began = Stopwatch.GetTimestamp();
        leaving.Terminate();
        bool isOver = await stage.Conductor.UntilAsync(
            () => leaving.HasEnded && stage.Conductor.Open == all, stage.Parsed.GetValue(_limit));
        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        await stage.Conductor.RestAsync(TimeSpan.FromSeconds(1)); // for the books: whoever came last
        PhaseRecord drain = stage.Conductor.Phase;
        drain.End();
        Latency outages = drain.Latencies[Tally.Outage];
        int code = stage.Plan.IsCentrifugo ? 3001 : 1001;
        long lost = drain.Tally.Lost.Values.Sum();
        long told = drain.Tally.Codes.GetValueOrDefault(code);
        stage.WriteLine($"drained in {seconds:N1} s; {lost:N0} had to move; codes: {Stage.DescribeCodes(drain.Tally.Codes)}; CPU: {Stage.DescribeCpu(drain)}");
        stage.WriteLine($"away, each from its end to its return: {Stage.Describe(outages)}");
        stage.WriteCounts("refused", drain.Tally.Refused);
        stage.Outcome.Add("drained in", seconds, "s");
        stage.TellReturns(drain, seconds);
        stage.Outcome.Refused += drain.Tally.Refused.Values.Sum();
        stage.Outcome.Lost = lost - told;
        stage.Verdict.Require(isOver && leaving.ExitCode == 0, $"the node ended {(leaving.HasEnded ? $"with {leaving.ExitCode}" : "not")}");
        stage.Verdict.Require(lost == told && told > 0, $"{told:N0} of {lost:N0} were told {code}");
        stage.Verdict.Require(stage.Conductor.Open == all, $"{stage.Conductor.Open:N0} of {all:N0} are connected again");
        await stage.CloseAsync();
    }
}
