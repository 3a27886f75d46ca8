using System.CommandLine;
using System.Diagnostics;
using Weir.LoadTest.Measuring;
using Weir.LoadTest.Running;
using Weir.LoadTest.Workers;

namespace Weir.LoadTest.Scenarios;

/// <summary>What comes after a crash.</summary>
internal sealed class ReconnectScenario()
    : Scenario("reconnect", "Kills the server under its clients, starts it again, and watches all of them come back; needs --server")
{
    private readonly Option<int> _connections = OptionKit.Of("--connections", 10_000, "Connections");
    private readonly Option<TimeSpan> _down = OptionKit.Time("--down", "3s", "How long the server is away");
    private readonly Option<TimeSpan> _backoff =
        OptionKit.Time("--backoff", "500ms", "A client waits so long, and up to as long again, twice as long after each failure");
    private readonly Option<TimeSpan> _mostBackoff = OptionKit.Time("--most-backoff", "20s", "The most of that random part");
    private readonly Option<TimeSpan> _limit =
        OptionKit.Time("--max-back", "60s", "How long after the server is up the last client may be back");

    protected override IEnumerable<Option> Options => [_connections, _down, _backoff, _mostBackoff, _limit];

    public override WorkerPlan Plan(ParseResult parsed, WorkerPlan plan) => plan with
    {
        Connections = parsed.GetValue(_connections),
        Reconnects = true,
        Backoff = parsed.GetValue(_backoff),
        MostBackoff = parsed.GetValue(_mostBackoff),
    };

    public override string? Problem(ParseResult parsed, WorkerPlan plan)
        => parsed.GetValue(CommonOptions.Server) is null ? "reconnect needs --server: it has to be killed and started again."
            : base.Problem(parsed, plan);

    public override async Task PlayAsync(Stage stage)
    {
        if (!await stage.OpenAsync())
        {
            return;
        }

        LocalServer server = stage.Conductor.Servers[0];
        int all = stage.Conductor.Connections;
        stage.Conductor.Begin("down");
        server.Kill();
        bool wereAllLost = await stage.Conductor.UntilAsync(() => stage.Conductor.Open == 0, TimeSpan.FromSeconds(30));
        PhaseRecord down = stage.Conductor.Phase;
        stage.RunResult.Require(wereAllLost, $"{all - stage.Conductor.Open:N0} of {all:N0} noticed");
        await stage.Conductor.RestAsync(stage.Parsed.GetValue(_down));
        await stage.Conductor.WhileAsync(server.StartAsync());

        PhaseRecord back = stage.Conductor.BeginPhase("back");
        long began = Stopwatch.GetTimestamp();
        TimeSpan limit = stage.Parsed.GetValue(_limit);
        bool areAllReconnected = await stage.Conductor.UntilAsync(() => stage.Conductor.Open == all, limit);
        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        await stage.Conductor.RestAsync(TimeSpan.FromSeconds(1)); // so that the last return is counted
        back.End();
        Latency outages = back.Latencies[Counts.Outage];
        long most = server.MostResidentBytes;
        stage.WriteLine(
            $"back: {stage.Conductor.Open:N0} of {all:N0} within {seconds:N1} s of the server being up, {back.Counts.Reconnected / seconds:N0}/s; CPU: {Stage.DescribeCpu(back)}; "
            + $"server memory at most {most / 1e6:N0} MB");
        stage.WriteLine($"away, each from its loss to its return: {Stage.Describe(outages)}");
        stage.WriteCounts("while it was down, refused", down.Counts.Refused);
        stage.WriteCounts("since, refused", back.Counts.Refused);
        stage.Outcome.Add("all back within", seconds, "s");
        stage.ReportReturns(back, seconds);
        stage.Outcome.Add("server memory at most", most / 1e6, "MB");
        stage.Outcome.Add("server CPU per return", back.ServerMicrosecondsPer(back.Counts.Reconnected), "us");
        stage.Outcome.Refused += back.Counts.Refused.Values.Sum();
        stage.Outcome.Lost = all - stage.Conductor.Open;
        stage.RunResult.Require(areAllReconnected, $"{stage.Conductor.Open:N0} of {all:N0} back within {limit.TotalSeconds:N0} s");
        await stage.CloseAsync();
    }
}
