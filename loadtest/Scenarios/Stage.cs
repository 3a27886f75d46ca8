using System.CommandLine;
using Weir.LoadTest.Measuring;
using Weir.LoadTest.Running;
using Weir.LoadTest.Workers;

namespace Weir.LoadTest.Scenarios;

/// <summary>What a scenario plays on, and the scenes that most of them have.</summary>
internal sealed class Stage(ParseResult parsed, WorkerPlan plan, Conductor conductor, Verdict verdict, Action<string> writeLine)
{
    private const int WarmUpRounds = 2;

    // A close is two frames and a FIN: even a slow server does a hundred in a second.
    private readonly TimeSpan _closeLimit = TimeSpan.FromSeconds(30 + (plan.Connections / 100));

    public ParseResult Parsed => parsed;

    public WorkerPlan Plan => plan;

    public Conductor Conductor => conductor;

    public Verdict Verdict => verdict;

    public Outcome Outcome { get; } = new();

    public void WriteLine(string line) => writeLine(line);

    /// <summary>Opens all connections and says how it went, and what each costs.</summary>
    /// <returns>False when not all could be opened: there is nothing to do but to end.</returns>
    public async Task<bool> OpenAsync(string phase = "open", bool isJudgedByHandshakes = false)
    {
        await conductor.WarmUpAsync(plan.WarmUp > 0 && Outcome.Figures.Count == 0 ? WarmUpRounds : 0);
        long? before = conductor.ServerBytes;
        bool areAllOpen = await conductor.OpenAsync(phase);
        PhaseRecord opening = conductor.Phase;
        int open = conductor.Open;
        Latency handshakes = opening.Latencies[Tally.Handshake];
        double rate = opening.Tally.Opened / opening.Seconds;
        WriteLine(
            $"opened {open:N0} in {opening.Seconds:N1} s, {rate:N0}/s; handshake {Describe(handshakes)}; CPU: {DescribeCpu(opening)}");
        WriteCounts("refused and tried again", opening.Tally.Refused);
        await conductor.RestAsync(parsed.GetValue(CommonOptions.Settle));
        if (before is { } bytes && conductor.ServerBytes is { } now && open > 0)
        {
            Outcome.BytesPerConnection = (double)(now - bytes) / open;
            WriteLine($"server memory {bytes / 1e6:N0} -> {now / 1e6:N0} MB, {Outcome.BytesPerConnection:N0} bytes per connection");
        }

        string suffix = phase == "open" ? "" : $", {phase}";
        Outcome.Add($"handshakes{suffix}", rate, "/s");
        Outcome.Add($"handshake p99{suffix}", handshakes.At(99), "ms");
        Outcome.Add($"server CPU per handshake{suffix}", opening.ServerMicrosecondsPer(opening.Tally.Opened), "us");
        Outcome.Add($"client CPU per handshake{suffix}", opening.Tally.CpuSeconds * 1e6 / Math.Max(1, opening.Tally.Opened), "us");
        Outcome.Add($"bytes per connection{suffix}", Outcome.BytesPerConnection, "B");
        Outcome.Refused += opening.Tally.Refused.Values.Sum();
        if (isJudgedByHandshakes)
        {
            (Outcome.Latency, Outcome.LatencyOf) = (handshakes, "handshakes");
            (Outcome.Rate, Outcome.RateOf) = (rate, "handshakes");
        }

        verdict.Require(areAllOpen, $"{open:N0} of {conductor.Connections:N0} opened");
        return areAllOpen;
    }

    /// <summary>Says what a phase of messages came to, and puts it into the outcome.</summary>
    /// <param name="what">What is received.</param>
    /// <param name="one">One of them.</param>
    public void TellMessages(PhaseRecord phase, double seconds, string what = "messages", string one = "message")
    {
        Tally tally = phase.Tally;
        Latency latency = phase.Latencies[Tally.Message];
        WriteLine(
            $"{phase.Name}: {conductor.Open:N0} open for {seconds:N0} s, {tally.Sent:N0} sent, {tally.Received / seconds:N0} {what}/s, "
            + $"{tally.Heartbeats:N0} heartbeats; CPU: {DescribeCpu(phase)}"
            + (phase.ServerBytesMost is { } most ? $"; server memory at most {most / 1e6:N0} MB" : ""));
        if (latency.Count > 0)
        {
            WriteLine($"latency {Describe(latency)}");
        }

        (Outcome.Latency, Outcome.LatencyOf) = (latency, what);
        (Outcome.Rate, Outcome.RateOf) = (tally.Received / seconds, what);
        Outcome.Add(what, tally.Received == 0 ? null : tally.Received / seconds, "/s");
        foreach (double percentile in new[] { 50, 99, 99.9 })
        {
            Outcome.Add($"p{percentile}", latency.Count == 0 ? null : latency.At(percentile), "ms");
        }

        Outcome.Add($"server CPU per {one}", phase.ServerMicrosecondsPer(tally.Received), "us");
        Outcome.Add($"client CPU per {one}", tally.Received == 0 ? null : tally.CpuSeconds * 1e6 / tally.Received, "us");
        Outcome.Add("server CPU", phase.ServerCpu, "cores");
        Outcome.Add("client CPU", phase.ClientCpu, "cores");
        WarnIfClientBound(phase);
    }

    /// <summary>Closes all connections, or lets the server drain, and demands that each ends as it should.</summary>
    public async Task CloseAsync(bool byServer = false, TimeSpan? limit = null)
    {
        int open = conductor.Open;
        if (byServer)
        {
            WriteLine("ready for the server to drain");
            foreach (LocalServer server in conductor.Servers)
            {
                server.Terminate();
            }
        }

        await conductor.CloseAsync(byServer, limit ?? _closeLimit);
        PhaseRecord phase = conductor.Phase;
        int code = !byServer ? 1000 : plan.IsCentrifugo ? 3001 : 1001;
        WriteLine($"ended in {phase.Seconds:N1} s; codes: {DescribeCodes(phase.Tally.Codes)}");
        WriteCounts("no close frame", phase.Tally.Cut);
        Outcome.Add("time to close all", phase.Seconds, "s");
        long ended = phase.Tally.Codes.GetValueOrDefault(code);
        verdict.Require(conductor.Open == 0
            && ended == open, $"{ended:N0} of {open:N0} ended with {code}, {conductor.Open:N0} did not end");
    }

    /// <summary>Demands that no connection was lost and no message is missing, unless the command line allows some.</summary>
    public void RequireNoLoss(PhaseRecord phase, string whatIsExpected)
    {
        Tally tally = phase.Tally;
        long lost = tally.Lost.Values.Sum();
        long missing = Math.Max(0, tally.Expected - tally.Received);
        Outcome.Lost += lost + missing;
        WriteCounts("lost", tally.Lost);
        WriteCounts("problem", tally.Problems);
        if (!Thresholds.AllowsLoss(parsed))
        {
            verdict.Require(lost == 0, $"{lost:N0} lost while held");
        }

        if (tally.Expected > 0)
        {
            verdict.Require(
                (missing == 0 || Thresholds.AllowsLoss(parsed)) && tally.Misplaced == 0,
                $"{tally.Received:N0} of {tally.Expected:N0} {whatIsExpected}, {tally.Misplaced:N0} twice or out of order");
        }
    }

    /// <summary>Puts down who was away for how long, and how many came back per second.</summary>
    public void TellReturns(PhaseRecord phase, double seconds)
    {
        Latency outages = phase.Latencies[Tally.Outage];
        Outcome.Add("away, p50", outages.At(50), "ms");
        Outcome.Add("away, longest", outages.At(100), "ms");
        (Outcome.Latency, Outcome.LatencyOf) = (outages, "outages");
        (Outcome.Rate, Outcome.RateOf) = (phase.Tally.CameBack / seconds, "returns");
    }

    public void WriteCounts<T>(string what, Dictionary<T, long> counts)
        where T : notnull
    {
        foreach ((T each, long count) in counts.OrderByDescending(static pair => pair.Value).Take(20))
        {
            WriteLine($"  {what}: {count:N0} x {each}");
        }
    }

    public static string Describe(Latency latency)
        => $"p50 {latency.At(50):N2} ms, p90 {latency.At(90):N2}, p99 {latency.At(99):N2}, p99.9 {latency.At(99.9):N2}, most {latency.At(100):N2}";

    public static string DescribeCpu(PhaseRecord phase)
        => phase.ServerCpu is { } server ? $"server {server:P0}, client {phase.ClientCpu:P0}" : $"client {phase.ClientCpu:P0}";

    public static string DescribeCodes(Dictionary<int, long> codes)
        => codes.Count == 0 ? "none"
            : string.Join(", ", codes.OrderBy(static each => each.Key).Select(static each => $"{each.Key} x {each.Value:N0}"));

    // Every process has one thread: when it is busy all the time it is the client that was measured.
    private void WarnIfClientBound(PhaseRecord phase)
    {
        int processes = parsed.GetValue(CommonOptions.Processes);
        if (phase.ClientCpu > 0.9 * processes)
        {
            WriteLine($"CAUTION: the client was busy for {phase.ClientCpu / processes:P0} of the time: its own limit may be what was measured. More --processes, or another machine, would tell.");
        }
    }
}
