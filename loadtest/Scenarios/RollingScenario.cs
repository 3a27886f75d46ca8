using System.CommandLine;
using System.Diagnostics;
using Weir.LoadTest.Measuring;
using Weir.LoadTest.Running;
using Weir.LoadTest.Workers;

namespace Weir.LoadTest.Scenarios;

/// <summary>A deploy as it should be: no client is aborted, each gets a close frame.</summary>
internal sealed class RollingScenario() : Scenario("rolling", "Two servers with half of the clients each; one gets SIGTERM and drains, and its clients reconnect to the other. Needs --server, which is started twice")
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
        Reconnects = true,
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
        await stage.Conductor.RestAsync(TimeSpan.FromSeconds(1)); // so that the last return is counted
        PhaseRecord drain = stage.Conductor.Phase;
        drain.End();
        Latency outages = drain.Latencies[Counts.Outage];
        int code = stage.Plan.IsCentrifugo ? 3001 : 1001;
        long lost = drain.Counts.Lost.Values.Sum();
        long closed = drain.Counts.Codes.GetValueOrDefault(code);
        stage.WriteLine($"drained in {seconds:N1} s; {lost:N0} had to move; codes: {Stage.DescribeCodes(drain.Counts.Codes)}; CPU: {Stage.DescribeCpu(drain)}");
        stage.WriteLine($"away, each from its end to its return: {Stage.Describe(outages)}");
        stage.WriteCounts("refused", drain.Counts.Refused);
        stage.Outcome.Add("drained in", seconds, "s");
        stage.ReportReturns(drain, seconds);
        stage.Outcome.Refused += drain.Counts.Refused.Values.Sum();
        stage.Outcome.Lost = lost - closed;
        stage.RunResult.Require(isOver && leaving.ExitCode == 0, $"the node ended {(leaving.HasEnded ? $"with {leaving.ExitCode}" : "not")}");
        stage.RunResult.Require(lost == closed && closed > 0, $"{closed:N0} of {lost:N0} were closed with {code}");
        stage.RunResult.Require(stage.Conductor.Open == all, $"{stage.Conductor.Open:N0} of {all:N0} are connected again");
        await stage.CloseAsync();
    }
}
