using System.CommandLine;
using Weir.LoadTest.Measuring;
using Weir.LoadTest.Running;
using Weir.LoadTest.Workers;

namespace Weir.LoadTest.Scenarios;

/// <summary>What a scenario plays on, and the scenes that most of them have.</summary>
internal sealed class Stage(ParseResult parsed, WorkerPlan plan, Conductor conductor, RunResult result, Action<string> writeLine)
{
    private const int WarmUpRounds = 2;

    // A close is two frames and a FIN: even a slow server does a hundred in a second.
    private readonly TimeSpan _closeLimit = TimeSpan.FromSeconds(30 + (plan.Connections / 100));

    public ParseResult Parsed => parsed;

    public WorkerPlan Plan => plan;

    public Conductor Conductor => conductor;

    public RunResult RunResult => result;

    public Outcome Outcome { get; } = new();

    public void WriteLine(string line) => writeLine(line);

    /// <summary>Opens all connections and reports the result, and the cost of each.</summary>
    /// <returns>False when not all could be opened: the scenario must end.</returns>
    public async Task<bool> OpenAsync(string phase = "open", bool measuresHandshakes = false)
    {
        await conductor.WarmUpAsync(plan.WarmUp > 0 && Outcome.Figures.Count == 0 ? WarmUpRounds : 0);
        long? before = conductor.ServerBytes;
        bool areAllOpen = await conductor.OpenAsync(phase);
        PhaseRecord opening = conductor.Phase;
        int open = conductor.Open;
        Latency handshakes = opening.Latencies[Counts.Handshake];
        double rate = opening.Counts.Opened / opening.Seconds;
        WriteLine(
            $"opened {open:N0} in {opening.Seconds:N1} s, {rate:N0}/s; handshake {Describe(handshakes)}; CPU: {DescribeCpu(opening)}");
        WriteCounts("refused and tried again", opening.Counts.Refused);
        await conductor.RestAsync(parsed.GetValue(CommonOptions.Settle));
        if (before is { } bytes && conductor.ServerBytes is { } now && open > 0)
        {
            Outcome.BytesPerConnection = (double)(now - bytes) / open;
            WriteLine($"server memory {bytes / 1e6:N0} -> {now / 1e6:N0} MB, {Outcome.BytesPerConnection:N0} bytes per connection");
        }

        string suffix = phase == "open" ? "" : $", {phase}";
        Outcome.Add($"handshakes{suffix}", rate, "/s");
        Outcome.Add($"handshake p99{suffix}", handshakes.At(99), "ms");
        Outcome.Add($"server CPU per handshake{suffix}", opening.ServerMicrosecondsPer(opening.Counts.Opened), "us");
        Outcome.Add($"client CPU per handshake{suffix}", opening.Counts.CpuSeconds * 1e6 / Math.Max(1, opening.Counts.Opened), "us");
        Outcome.Add($"bytes per connection{suffix}", Outcome.BytesPerConnection, "B");
        Outcome.Refused += opening.Counts.Refused.Values.Sum();
        if (measuresHandshakes)
        {
            (Outcome.Latency, Outcome.LatencyOf) = (handshakes, "handshakes");
            (Outcome.Rate, Outcome.RateOf) = (rate, "handshakes");
        }

        result.Require(areAllOpen, $"{open:N0} of {conductor.Connections:N0} opened");
        return areAllOpen;
    }

    /// <summary>Reports the result of a phase of messages, and puts it into the outcome.</summary>
    /// <param name="what">What is received.</param>
    /// <param name="one">One of them.</param>
    public void ReportMessages(PhaseRecord phase, double seconds, string what = "messages", string one = "message")
    {
        Counts counts = phase.Counts;
        Latency latency = phase.Latencies[Counts.Message];
        WriteLine(
            $"{phase.Name}: {conductor.Open:N0} open for {seconds:N0} s, {counts.Sent:N0} sent, {counts.Received / seconds:N0} {what}/s, "
            + $"{counts.Heartbeats:N0} heartbeats; CPU: {DescribeCpu(phase)}"
            + (phase.ServerBytesMost is { } most ? $"; server memory at most {most / 1e6:N0} MB" : ""));
        if (latency.Count > 0)
        {
            WriteLine($"latency {Describe(latency)}");
        }

        (Outcome.Latency, Outcome.LatencyOf) = (latency, what);
        (Outcome.Rate, Outcome.RateOf) = (counts.Received / seconds, what);
        Outcome.Add(what, counts.Received == 0 ? null : counts.Received / seconds, "/s");
        foreach (double percentile in new[] { 50, 99, 99.9 })
        {
            Outcome.Add($"p{percentile}", latency.Count == 0 ? null : latency.At(percentile), "ms");
        }

        Outcome.Add($"server CPU per {one}", phase.ServerMicrosecondsPer(counts.Received), "us");
        Outcome.Add($"client CPU per {one}", counts.Received == 0 ? null : counts.CpuSeconds * 1e6 / counts.Received, "us");
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
        WriteLine($"ended in {phase.Seconds:N1} s; codes: {DescribeCodes(phase.Counts.Codes)}");
        WriteCounts("no close frame", phase.Counts.WithoutCloseFrame);
        Outcome.Add("time to close all", phase.Seconds, "s");
        long ended = phase.Counts.Codes.GetValueOrDefault(code);
        result.Require(conductor.Open == 0
            && ended == open, $"{ended:N0} of {open:N0} ended with {code}, {conductor.Open:N0} did not end");
    }

    /// <summary>Demands that no connection was lost and no message is missing, unless the command line allows some.</summary>
    public void RequireNoLoss(PhaseRecord phase, string whatIsExpected)
    {
        Counts counts = phase.Counts;
        long lost = counts.Lost.Values.Sum();
        long missing = Math.Max(0, counts.Expected - counts.Received);
        Outcome.Lost += lost + missing;
        WriteCounts("lost", counts.Lost);
        WriteCounts("problem", counts.Problems);
        if (!Thresholds.AllowsLoss(parsed))
        {
            result.Require(lost == 0, $"{lost:N0} lost while held");
        }

        if (counts.Expected > 0)
        {
            result.Require(
                (missing == 0 || Thresholds.AllowsLoss(parsed)) && counts.Misplaced == 0,
                $"{counts.Received:N0} of {counts.Expected:N0} {whatIsExpected}, {counts.Misplaced:N0} twice or out of order");
        }
    }

    /// <summary>Records how long clients were disconnected, and how many reconnected per second.</summary>
    public void ReportReturns(PhaseRecord phase, double seconds)
    {
        Latency outages = phase.Latencies[Counts.Outage];
        Outcome.Add("away, p50", outages.At(50), "ms");
        Outcome.Add("away, longest", outages.At(100), "ms");
        (Outcome.Latency, Outcome.LatencyOf) = (outages, "outages");
        (Outcome.Rate, Outcome.RateOf) = (phase.Counts.Reconnected / seconds, "returns");
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
