using System.Net;
using System.Text;
using Weir.LoadTest.Measuring;

namespace Weir.LoadTest.Reporting;

/// <summary>One page without other files: figures, demands, plots.</summary>
internal static class HtmlReport
{
    private const string Style = """
        body{font:14px/1.5 system-ui,sans-serif;max-width:1340px;margin:24px auto;padding:0 16px;color:#111827}
        h1{margin-bottom:0} .sub{color:#6b7280} .plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(560px,1fr));gap:12px}
        svg{width:100%;border:1px solid #e5e7eb;border-radius:6px} table{border-collapse:collapse;margin:8px 0}
        td,th{border-bottom:1px solid #e5e7eb;padding:3px 14px 3px 0;text-align:right} td:first-child,th:first-child{text-align:left}
        .ok{color:#047857} .failed{color:#b91c1c;font-weight:bold} pre{background:#f9fafb;padding:12px;overflow:auto}
        """;

    public static string Write(RunReport report)
    {
        StringBuilder page = new();
        page.Append($"<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{Encode(report.Scenario)}</title><style>{Style}</style>");
        string result = report.IsInterrupted ? "interrupted" : report.ExitCode == 0 ? "all demands met" : "FAILED";
        page.Append($"<h1>{Encode(report.Scenario)}: <span class=\"{(report.ExitCode == 0 ? "ok" : "failed")}\">{result}</span></h1>");
        page.Append($"<p class=\"sub\">{report.Started:u}; {Encode(report.Machine)}<br><code>{Encode(string.Join(' ', report.Arguments))}</code></p>");
        WriteTable(page, "Demands", ["", ""], report.Demands.Select(static each => new[]
        {
            Encode(each.What), each.Holds ? "<span class=\"ok\">ok</span>" : "<span class=\"failed\">FAILED</span>",
        }));
        WriteTable(page, "Figures", ["", "", ""],
            report.Figures.Select(static each => new[] { Encode(each.Name), $"{each.Value:N2}", each.Unit }));
        WritePhases(page, report);
        page.Append("<h2>Plots</h2><div class=\"plots\">");
        foreach (string plot in Plots(report))
        {
            page.Append($"<div>{plot}</div>");
        }

        page.Append($"</div><h2>Output</h2><pre>{Encode(string.Join('\n', report.Lines))}</pre></html>");
        return page.ToString();
    }

    private static IEnumerable<string> Plots(RunReport report)
    {
        yield return OverTime(report, "Connections", "open", ("open", static each => each.Open));
        yield return OverTime(
            report,
            "Rates",
            "per second",
            ("opened", static each => each.OpenedPerSecond),
            ("sent", static each => each.SentPerSecond),
            ("received", static each => each.ReceivedPerSecond),
            ("heartbeats", static each => each.HeartbeatsPerSecond),
            ("refused", static each => each.RefusedPerSecond + each.RebuffedPerSecond));
        yield return OverTime(
            report,
            "Latency of messages over time",
            "ms",
            ("p50", static each => each.P50),
            ("p90", static each => each.P90),
            ("p99", static each => each.P99),
            ("p99.9", static each => each.P999),
            ("most", static each => each.Most));
        yield return OverTime(report, "Latency of handshakes over time", "ms", ("p50", static each => each.HandshakeP50),
            ("p99", static each => each.HandshakeP99));
        yield return OverTime(report, "Processor", "cores", ("client", static each => each.ClientCpu),
            ("server", static each => each.ServerCpu ?? double.NaN));
        yield return OverTime(report, "Server memory", "MB", ("resident", static each => each.ServerBytes / 1e6 ?? double.NaN));
        if (report.Phases is [{ ServerBytesBefore: { } before }, ..])
        {
            yield return OverTime(
                report,
                "Server memory per open connection",
                "bytes",
                ("growth / open", each => each.Open == 0 || each.Phase == "close" ? double.NaN : (each.ServerBytes - before) / each.Open
                    ?? double.NaN));
        }

        foreach (string name in new[] { Counts.Message, Counts.Handshake, Counts.Outage })
        {
            yield return Distribution(report, name);
        }

        Dictionary<int, long> codes = [];
        foreach ((int code, long count) in report.Phases.SelectMany(static phase => phase.Counts.Codes))
        {
            Counts.Count(codes, code, count);
        }

        if (codes.Count > 0)
        {
            yield return Plot.Bars("Close codes",
                [.. codes.OrderBy(static each => each.Key).Select(static each => ($"{each.Key}", (double)each.Value))]);
        }

        (string Name, double)[] refused = [.. report.Phases
            .SelectMany(static phase => phase.Counts.Refused.Concat(phase.Counts.Rebuffs))
            .GroupBy(static each => each.Key)
            .Select(static each => (each.Key, (double)each.Sum(static pair => pair.Value)))];
        if (refused.Length > 0)
        {
            yield return Plot.Bars("Refused openings", refused);
        }
    }

    private static string OverTime(RunReport report, string title, string unit, params (string Name, Func<Sample, double> Of)[] lines)
    {
        Plot plot = new(title, "s", unit);
        foreach ((string name, Func<Sample, double> of) in lines)
        {
            (double, double Y)[] points = [.. report.Seconds.Select(each => (each.Seconds, of(each)))];
            if (points.Any(static each => each.Y > 0))
            {
                // No latency is no latency of 0.
                plot.Add(name, unit == "ms" ? points.Where(static each => each.Y > 0) : points);
            }
        }

        return plot.IsEmpty ? "" : plot.ToString();
    }

    // To the right every step is ten times rarer.
    private static string Distribution(RunReport report, string name)
    {
        static double Rarity(double percentile) => 1 / (1 - Math.Min(percentile, 99.9999) / 100);
        Plot plot = new($"Distribution of {name} latency", "percentile", "ms")
        {
            IsXLogarithmic = true,
            IsYLogarithmic = true,
            XTicks = [.. new[] { 0, 90, 99, 99.9, 99.99, 99.999 }.Select(static each => (Rarity(each), $"{each}"))],
        };
        foreach (PhaseReport phase in report.Phases)
        {
            if (phase.Latencies.TryGetValue(name, out LatencyReport? latency))
            {
                plot.Add(phase.Name, latency.Distribution.Select(static each => (Rarity(each.Percentile), each.Milliseconds)));
            }
        }

        return plot.IsEmpty ? "" : plot.ToString();
    }

    private static void WritePhases(StringBuilder page, RunReport report) => WriteTable(
        page,
        "Phases",
        ["", "s", "opened", "sent", "received", "expected", "heartbeats", "lost", "client CPU s", "server CPU s", "server MB before",
            "most", "after", "p50 ms", "p99", "p99.9", "most"],
        report.Phases.Select(static phase =>
        {
            LatencyReport? latency = phase.Latencies.GetValueOrDefault(Counts.Message) ?? phase.Latencies.GetValueOrDefault(Counts.Outage)
                ?? phase.Latencies.GetValueOrDefault(Counts.Handshake);
            return new[]
            {
                Encode(phase.Name), $"{phase.Seconds:N1}", $"{phase.Counts.Opened:N0}", $"{phase.Counts.Sent:N0}",
                    $"{phase.Counts.Received:N0}",
                $"{phase.Counts.Expected:N0}", $"{phase.Counts.Heartbeats:N0}", $"{phase.Counts.Lost.Values.Sum():N0}",
                $"{phase.ClientCpuSeconds:N2}",
                $"{phase.ServerCpuSeconds:N2}", $"{phase.ServerBytesBefore / 1e6:N1}", $"{phase.ServerBytesMost / 1e6:N1}",
                $"{phase.ServerBytesAfter / 1e6:N1}",
                $"{latency?.P50:N2}", $"{latency?.P99:N2}", $"{latency?.P999:N2}", $"{latency?.Most:N2}",
            };
        }));

    private static void WriteTable(StringBuilder page, string title, string[] head, IEnumerable<string[]> rows)
    {
        page.Append($"<h2>{title}</h2><table><tr>{string.Concat(head.Select(static each => $"<th>{each}</th>"))}</tr>");
        foreach (string[] row in rows)
        {
            page.Append($"<tr>{string.Concat(row.Select(static each => $"<td>{each}</td>"))}</tr>");
        }

        page.Append("</table>");
    }

    private static string Encode(string text) => WebUtility.HtmlEncode(text);
}
