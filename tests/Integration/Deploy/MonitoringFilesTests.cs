using System.Text.Json;
using System.Text.RegularExpressions;
using Weir.Integration.Servers;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Deploy;

/// <summary>The dashboard and the alerts of deploy/: each metric, label and page that they name exists, and each alert fires.</summary>
public sealed partial class MonitoringFilesTests
{
    private static readonly string[] _ofPrometheus = ["job", "instance", "le", "alertname"];

    private static readonly string _alerts = Path.Combine(Repository.Root, "deploy", "prometheus", "alerts.yml");

    private static readonly string _page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "operations", "monitoring.md"));

    private static readonly string _metricsPage = Path.Combine(Repository.Root, "docs", "reference", "metrics.md");

    private static readonly Dictionary<string, string[]> _metrics = ReadMetrics();

    private static readonly Dictionary<string, string> _values = ReadValues();

    private static string[] AlertExpressions
        => [.. File.ReadLines(_alerts).Select(static line => line.Trim()).Where(static line => line.StartsWith("expr: ", StringComparison.Ordinal))
            .Select(static line => line[6..])];

    private static JsonElement Dashboard { get; } =
        JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, "deploy", "grafana", "weir.json"))).RootElement;

    private static JsonElement[] Panels => [.. Dashboard.GetProperty("panels").EnumerateArray()];

    private static string[] PanelExpressions =>
    [
        .. Panels.Where(static panel => panel.TryGetProperty("targets", out _))
            .SelectMany(static panel => panel.GetProperty("targets").EnumerateArray())
            .Select(static target => target.GetProperty("expr").GetString()!),
    ];

    [Fact]
    public void Metrics_OfWeir_AreThoseOfThePage_WithTheirLabels()
    {
        string[] expressions = [.. AlertExpressions, .. PanelExpressions];
        Assert.True(expressions.Length > 40, $"{expressions.Length} expressions were found.");
        foreach (string expression in expressions)
        {
            List<string> known = [.. _ofPrometheus];
            foreach (Match selector in Selector.Matches(Grouping.Replace(expression, "")))
            {
                string name = selector.Groups["name"].Value;
                Assert.True(_metrics.TryGetValue(name, out string[]? labels), $"{name} of {expression} is no metric.");
                known.AddRange(labels);
                foreach (Match matcher in Matcher.Matches(selector.Groups["labels"].Value))
                {
                    string label = matcher.Groups["label"].Value;
                    Assert.Contains(label, (string[])[.. labels, .. _ofPrometheus]);
                    if (_values.TryGetValue(label, out string? values))
                    {
                        Assert.All(matcher.Groups["value"].Value.Split('|'), value => Assert.Contains($"`{value}`", values, StringComparison.Ordinal));
                    }
                }
            }

            Assert.All(Grouping.Matches(expression).SelectMany(static by => by.Groups[1].Value.Split(", ")), label => Assert.Contains(label, known));
        }
    }

    [Fact]
    public async Task Metrics_OfDotNet_AreInAScrapeOfARealHost_WhichNamesItsServiceAndBuild()
    {
        await using HostProcess host = await HostProcess.StartAsync();
        string scrape = await host.BodyOfAsync("/metrics");
        string[] published = [.. TypeLine.Matches(scrape).Select(static line => line.Groups[1].Value)];

        string[] named =
        [
            .. PanelExpressions.Concat(AlertExpressions)
                .SelectMany(static expression => DotNetName.Matches(expression).Select(static name => name.Value)).Distinct(),
        ];
        Assert.NotEmpty(named);
        Assert.All(named, name => Assert.Contains(name, published));
        Assert.Matches("target_info\\{[^}]*service_name=\"weir\"", scrape);
        Assert.Matches("target_info\\{[^}]*service_version=\"[0-9]", scrape);
        Assert.Matches("weir_build_info\\{[^}]*process_runtime_version=\"10\\.[^}]*service_version=\"[0-9]", scrape);
        Assert.Contains("# TYPE weir_thread_pool_threads gauge", scrape, StringComparison.Ordinal);
        Assert.DoesNotContain(published, static name => name.Contains("thread_pool_queue_length", StringComparison.Ordinal));
        Assert.DoesNotContain(published, static name => UnitTwice.IsMatch(name));
    }

    [Fact]
    public async Task ServiceName_OfTheEnvironment_Wins()
    {
        await using HostProcess host = await HostProcess.StartAsync(("OTEL_SERVICE_NAME", "chat"));

        Assert.Contains("service_name=\"chat\"", await host.BodyOfAsync("/metrics"), StringComparison.Ordinal);
    }

    [Fact]
    public void Alerts_NameASectionOfThePage_AndEachSectionIsOfAnAlert()
    {
        string text = File.ReadAllText(_alerts);
        string[] alerts = [.. AlertName.Matches(text).Select(static match => match.Groups[1].Value)];

        Assert.Equal(alerts.Length, AlertExpressions.Length);
        Assert.Equal(
            alerts.Select(static alert => $"docs/operations/monitoring.md#{alert.ToLowerInvariant()}"),
            Runbook.Matches(text).Select(static match => match.Groups[1].Value));
        Assert.Equal(
            alerts.Order(StringComparer.Ordinal),
            Section.Matches(_page).Select(static match => match.Groups[1].Value).Order(StringComparer.Ordinal));
    }

    // Prometheus itself parses the files, and evaluates each alert on the series of alerts-test.yml.
    [Theory]
    [InlineData("check config deploy/prometheus/prometheus.yml")]
    [InlineData("test rules tests/Integration/Deploy/alerts-test.yml")]
    public async Task Promtool_AcceptsTheFiles(string arguments)
    {
        await using ChildProcess promtool = ChildProcess.Start("promtool", arguments.Split(' '), Repository.Root);

        int exitCode = await promtool.ExitCodeAsync().Within();

        Assert.True(exitCode == 0, promtool.Output);
    }

    [Fact]
    public void AlertTest_ExpectsEveryAlert()
    {
        string test = File.ReadAllText(Path.Combine(Repository.Root, "tests", "Integration", "Deploy", "alerts-test.yml"));

        Assert.Equal(
            AlertName.Matches(File.ReadAllText(_alerts)).Select(static match => match.Groups[1].Value).Order(StringComparer.Ordinal),
            Expected.Matches(test).Select(static match => match.Groups[1].Value).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Panels_HaveIdsAndPlacesOfTheirOwn_AndTheChosenDataSource()
    {
        Assert.Equal(Panels.Length, Panels.Select(static panel => panel.GetProperty("id").GetInt32()).Distinct().Count());
        HashSet<(int, int)> taken = [];
        foreach (JsonElement panel in Panels)
        {
            JsonElement place = panel.GetProperty("gridPos");
            int left = place.GetProperty("x").GetInt32();
            int width = place.GetProperty("w").GetInt32();
            int top = place.GetProperty("y").GetInt32();
            Assert.InRange(left + width, 1, 24);
            for (int x = left; x < left + width; x++)
            {
                for (int y = top; y < top + place.GetProperty("h").GetInt32(); y++)
                {
                    Assert.True(taken.Add((x, y)), panel.GetProperty("title").GetString());
                }
            }

            Assert.True(
                panel.GetProperty("type").GetString() == "row"
                || panel.GetProperty("datasource").GetProperty("uid").GetString() == "${datasource}");
        }
    }

    // Prometheus name, and for a histogram its three series, to the labels of the attributes.
    private static Dictionary<string, string[]> ReadMetrics()
    {
        Dictionary<string, string[]> metrics = [];
        foreach (Match row in MetricRow.Matches(File.ReadAllText(_metricsPage)))
        {
            string name = row.Groups["name"].Value.Replace('.', '_') + row.Groups["unit"].Value switch
            {
                "s" => "_seconds",
                "By" => "_bytes",
                _ => "",
            };
            string[] labels = [.. Code.Matches(row.Groups["attributes"].Value).Select(static match => match.Groups[1].Value.Replace('.', '_'))];
            foreach (string suffix in row.Groups["kind"].Value switch
            {
                "histogram" => (string[])["_bucket", "_sum", "_count"],
                "counter" or "observable counter" => ["_total"],
                _ => [""],
            })
            {
                metrics.Add(name + suffix, labels);
            }
        }

        return metrics;
    }

    // The values of the attributes of Weir, as the page has them.
    private static Dictionary<string, string> ReadValues()
        => AttributeRow.Matches(File.ReadAllText(_metricsPage)).ToDictionary(
            static row => row.Groups["name"].Value.Replace('.', '_'), static row => row.Groups["values"].Value);

    [GeneratedRegex(@"\b(?<name>weir_\w+)(?<labels>\{[^}]*\})?")]
    private static partial Regex Selector { get; }

    [GeneratedRegex(@"(?<label>\w+)(?:=~|!~|!=|=)""(?<value>[^""]*)""")]
    private static partial Regex Matcher { get; }

    [GeneratedRegex(@"^\| `(?<name>weir\.[a-z_.]+)` \| (?<values>[^|]+) \|$", RegexOptions.Multiline)]
    private static partial Regex AttributeRow { get; }

    [GeneratedRegex(@"\bby \(([^)]*)\)")]
    private static partial Regex Grouping { get; }

    [GeneratedRegex(@"\bdotnet_\w+")]
    private static partial Regex DotNetName { get; }

    [GeneratedRegex(@"^# TYPE (\w+) ", RegexOptions.Multiline)]
    private static partial Regex TypeLine { get; }

    [GeneratedRegex(@"_(bytes|seconds)_.*\1")]
    private static partial Regex UnitTwice { get; }

    [GeneratedRegex(@"^\s*- alert: (\w+)$", RegexOptions.Multiline)]
    private static partial Regex AlertName { get; }

    [GeneratedRegex(@"^\s*runbook: (\S+)$", RegexOptions.Multiline)]
    private static partial Regex Runbook { get; }

    [GeneratedRegex(@"^### (\w+)$", RegexOptions.Multiline)]
    private static partial Regex Section { get; }

    [GeneratedRegex(@"labels: '\{alertname=""(\w+)""")]
    private static partial Regex Expected { get; }

    [GeneratedRegex(@"^\| `(?<name>weir\.[a-z_.]+)` \| (?<kind>[a-z -]+) \| (?:`(?<unit>[^`]+)`)? ?\| (?<attributes>[^|]*)\| ", RegexOptions.Multiline)]
    private static partial Regex MetricRow { get; }

    [GeneratedRegex(@"`([^`]+)`")]
    private static partial Regex Code { get; }
}
