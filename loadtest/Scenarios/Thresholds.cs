using System.CommandLine;
using Weir.LoadTest.Measuring;

namespace Weir.LoadTest.Scenarios;

/// <summary>Demands of the command line. One that is not met makes the exit code 1, and so does one that could not be measured.</summary>
internal static class Thresholds
{
    private static readonly (Option<TimeSpan?> Option, string Name, double Percentile)[] _latencies =
    [
        (OptionKit.OptionalTime("--max-p50", "The most that the median of the latency may be"), "p50", 50),
        (OptionKit.OptionalTime("--max-p90", "The 90th percentile"), "p90", 90),
        (OptionKit.OptionalTime("--max-p99", "The 99th percentile"), "p99", 99),
        (OptionKit.OptionalTime("--max-p999", "The 99.9th percentile"), "p99.9", 99.9),
        (OptionKit.OptionalTime("--max-latency", "The worst"), "the worst latency", 100),
    ];

    private static readonly Option<long?> _maxLost = OptionKit.Optional<long?>("--max-lost",
        "Connections that may be lost, and deliveries that may be missing. Default: what the scenario demands");
    private static readonly Option<long?> _maxRefused = OptionKit.Optional<long?>("--max-refused", "Tries to open that may fail");
    private static readonly Option<double?> _minRate =
        OptionKit.Optional<double?>("--min-rate", "The least per second of what the scenario counts: handshakes, messages or deliveries");
    private static readonly Option<double?> _maxBytes =
        OptionKit.Optional<double?>("--max-bytes-per-connection", "The most that the server's memory may grow by for each");
    private static readonly Option<double?> _maxGrowth = OptionKit.Optional<double?>("--max-growth",
        "The most megabytes that the server's memory may grow by in an hour, after the first fifth of the time");

    public static IEnumerable<Option> All
        => [.. _latencies.Select(static each => each.Option), _maxLost, _maxRefused, _minRate, _maxBytes, _maxGrowth];

    /// <summary>Whether the scenario's own demand that nothing be lost is replaced.</summary>
    public static bool AllowsLoss(ParseResult parsed) => parsed.GetValue(_maxLost) is not null;

    public static void Evaluate(ParseResult parsed, RunResult result, Outcome outcome)
    {
        foreach ((Option<TimeSpan?> option, string name, double percentile) in _latencies)
        {
            if (parsed.GetValue(option) is { } most)
            {
                double got = outcome.Latency.At(percentile);
                result.Require(
                    outcome.Latency.Count > 0 && got <= most.TotalMilliseconds,
                    $"{name} of {outcome.LatencyOf} at most {most.TotalMilliseconds} ms: {(outcome.Latency.Count > 0 ? $"{got:N3} ms" : "none measured")}");
            }
        }

        if (parsed.GetValue(_maxLost) is { } lost)
        {
            result.Require(outcome.Lost <= lost, $"at most {lost:N0} lost: {outcome.Lost:N0}");
        }

        if (parsed.GetValue(_maxRefused) is { } refused)
        {
            result.Require(outcome.Refused <= refused, $"at most {refused:N0} refused: {outcome.Refused:N0}");
        }

        if (parsed.GetValue(_minRate) is { } rate)
        {
            result.Require(outcome.Rate >= rate, $"at least {rate:N0} {outcome.RateOf}/s: {outcome.Rate:N0}");
        }

        RequireAtMost(result, parsed.GetValue(_maxBytes), outcome.BytesPerConnection, "bytes per connection");
        RequireAtMost(result, parsed.GetValue(_maxGrowth), outcome.MegabytesPerHour, "MB per hour of growth");
    }

    private static void RequireAtMost(RunResult result, double? most, double? got, string what)
    {
        if (most is not null)
        {
            result.Require(got <= most, $"at most {most:N0} {what}: {(got is null ? "not measured" : $"{got:N0}")}");
        }
    }
}
