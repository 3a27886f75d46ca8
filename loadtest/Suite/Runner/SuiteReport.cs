using System.Globalization;
using System.Net;
using NBomber.Contracts.Stats;

namespace Weir.LoadTest.Suite.Runner;

/// <summary>The same table in each format: a line for each scenario, and one for each of its steps.</summary>
internal static class SuiteReport
{
    private static readonly string[] _head =
        ["scenario", "step", "ok", "ok/s", "failed", "min ms", "mean", "p50", "p75", "p95", "p99", "max", "codes"];

    public static void Write(NodeStats stats, string folder, IReadOnlyList<ReportFormat> formats)
    {
        string[][] rows = [.. stats.ScenarioStats.SelectMany(Rows)];
        foreach (ReportFormat format in formats)
        {
            (string extension, string text) = format switch
            {
                ReportFormat.Html => ("html", Html(stats, rows)),
                ReportFormat.Csv
                    => ("csv", string.Concat(rows.Prepend(_head).Select(static row => string.Join(',', row.Select(Quote)) + "\n"))),
                ReportFormat.Md => ("md", Markdown(stats, rows)),
                _ => ("txt", string.Concat(rows.Prepend(_head).Select(static row => string.Join('\t', row) + "\n"))),
            };
            Directory.CreateDirectory(folder);
            File.WriteAllText(Path.Combine(folder, $"report.{extension}"), text);
        }
    }

    private static IEnumerable<string[]> Rows(ScenarioStats scenario) => scenario.StepStats
        .Select(step => Row(scenario.ScenarioName, step.StepName, step.Ok, step.Fail))
        .Prepend(Row(scenario.ScenarioName, "(whole)", scenario.Ok, scenario.Fail));

    private static string[] Row(string scenario, string step, MeasurementStats ok, MeasurementStats fail)
    {
        LatencyStats latency = ok.Latency;
        double[] times =
            [latency.MinMs, latency.MeanMs, latency.Percent50, latency.Percent75, latency.Percent95, latency.Percent99, latency.MaxMs];
        string codes = string.Join("; ", ok.StatusCodes.Concat(fail.StatusCodes)
            .Where(static each => each.StatusCode.Length > 0 || each.IsError)
            .Select(static each => $"{each.StatusCode} {each.Message} x {each.Count}".Trim()));
        return
        [
            scenario, step, $"{ok.Request.Count}", Number(ok.Request.RPS), $"{fail.Request.Count}", .. times.Select(Number), codes,
        ];
    }

    private static string Number(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);

    private static string Quote(string cell)
        => cell.Contains(',') || cell.Contains('"') ? $"\"{cell.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : cell;

    private static string Markdown(NodeStats stats, string[][] rows)
    {
        static string Line(string[] row)
            => $"| {string.Join(" | ", row.Select(static cell => cell.Replace("|", "\\|", StringComparison.Ordinal)))} |\n";
        return $"# {stats.TestInfo.TestSuite}: {stats.TestInfo.TestName}\n\n"
            + Line(_head) + Line([.. _head.Select(static _ => "---")]) + string.Concat(rows.Select(Line));
    }

    private static string Html(NodeStats stats, string[][] rows)
    {
        static string Line(string tag, string[] row)
            => $"<tr>{string.Concat(row.Select(cell => $"<{tag}>{WebUtility.HtmlEncode(cell)}</{tag}>"))}</tr>";
        string title = WebUtility.HtmlEncode($"{stats.TestInfo.TestSuite}: {stats.TestInfo.TestName}");
        return $"<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>"
            + "<style>body{font:14px system-ui,sans-serif;margin:24px}td,th{padding:3px 12px 3px 0;text-align:left;border-bottom:1px solid #ddd}</style>"
            + $"<h1>{title}</h1><p>{stats.Duration.TotalSeconds:N0} s</p><table>{Line("th", _head)}{string.Concat(rows.Select(static row => Line("td", row)))}</table></html>";
    }
}
