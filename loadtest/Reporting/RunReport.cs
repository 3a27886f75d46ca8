using System.CommandLine;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using Weir.LoadTest.Measuring;
using Weir.LoadTest.Running;
using Weir.LoadTest.Scenarios;

namespace Weir.LoadTest.Reporting;

/// <summary>Everything that is known of a run; as it stands in report.json.</summary>
internal sealed record RunReport(
    string Scenario,
    IReadOnlyList<string> Arguments,
    DateTimeOffset Started,
    string Machine,
    bool IsInterrupted,
    int ExitCode,
    IReadOnlyList<string> Lines,
    IReadOnlyList<Demand> Demands,
    IReadOnlyList<Figure> Figures,
    IReadOnlyList<PhaseReport> Phases,
    IReadOnlyList<Sample> Seconds)
{
    private static readonly JsonSerializerOptions _json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static RunReport Of(
        string scenario,
        ParseResult parsed,
        DateTimeOffset started,
        Conductor conductor,
        Stage stage,
        RunResult result,
        IReadOnlyList<string> lines,
        bool isInterrupted,
        int exitCode) => new(
            scenario,
            [.. parsed.Tokens.Select(static token => token.Value)],
            started,
            $"{Environment.ProcessorCount} processors, {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}",
            isInterrupted,
            exitCode,
            [.. lines],
            result.Demands,
            stage.Outcome.Figures,
            [.. conductor.Phases.Select(PhaseReport.Of)],
            conductor.Samples);

    /// <summary>Writes all files; others of the same names are gone.</summary>
    public void WriteTo(string directory)
    {
        Directory.CreateDirectory(directory);
        File.WriteAllText(Path.Combine(directory, "report.json"), JsonSerializer.Serialize(this, _json));
        File.WriteAllText(Path.Combine(directory, "report.html"), HtmlReport.Write(this));
        File.WriteAllLines(Path.Combine(directory, "seconds.csv"), CsvReport.Seconds(this));
        File.WriteAllLines(Path.Combine(directory, "latencies.csv"), CsvReport.Latencies(this));
    }
}

/// <summary>A phase with its sums and latencies.</summary>
internal sealed record PhaseReport(
    string Name,
    double Seconds,
    Counts Counts,
    double ClientCpuSeconds,
    double? ServerCpuSeconds,
    long? ServerBytesBefore,
    long? ServerBytesMost,
    long? ServerBytesAfter,
    IReadOnlyDictionary<string, LatencyReport> Latencies)
{
    public static PhaseReport Of(PhaseRecord phase) => new(
        phase.Name,
        phase.Seconds,
        phase.Counts,
        phase.Counts.CpuSeconds,
        phase.ServerCpuSeconds,
        phase.ServerBytesBefore,
        phase.ServerBytesMost,
        phase.ServerBytesAfter,
        phase.Latencies.Where(static each => each.Value.Count > 0)
            .ToDictionary(static each => each.Key, static each => LatencyReport.Of(each.Value)));
}

/// <summary>Milliseconds.</summary>
internal sealed record LatencyReport(long Count, double Mean, double P50, double P90, double P99, double P999, double Most,
    IReadOnlyList<PercentilePoint> Distribution)
{
    public static LatencyReport Of(Latency latency)
        => new(latency.Count, latency.Mean, latency.At(50), latency.At(90), latency.At(99), latency.At(99.9), latency.At(100),
            latency.Distribution());
}
