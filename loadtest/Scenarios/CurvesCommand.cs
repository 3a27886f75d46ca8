using System.CommandLine;
using System.Globalization;
using Weir.LoadTest.Reporting;
using Weir.LoadTest.Running;

namespace Weir.LoadTest.Scenarios;

/// <summary>
/// What a connection, a handshake, a heartbeat, a join and a delivery cost with more and more connections: each run a new server
/// and two scenarios. Every cost is per unit, so a curve that rises is one that does not scale.
/// </summary>
internal static class CurvesCommand
{
    private static readonly Option<string> _server =
        new("--server") { Description = "Command of the server, started anew for each point; {port} stands for its port", Required = true };
    private static readonly Option<string> _sizes = OptionKit.Of("--sizes", "1000,2000,4000,8000,16000", "Numbers of connections");
    private static readonly Option<TimeSpan> _hold = OptionKit.Time("--for", "30s", "How long each is held for its heartbeats");
    private static readonly Option<TimeSpan> _publish = OptionKit.Time("--publish-for", "5s", "How long each room is published to");
    private static readonly Option<int> _rounds =
        OptionKit.Of("--rounds", 1, "Runs of each; the least cost of each counts, as others on the machine only add");
    private static readonly Option<string> _report = OptionKit.Of("--report", "curves", "Directory for curves.csv and curves.svg");
    private static readonly Option<double?> _maxRise = OptionKit.Optional<double?>("--max-rise",
        "Fails when a cost with the most connections is above so many times that with the fewest");

    // The column, the figure of the scenario that it is, and whether the most of several rounds is the best.
    private static readonly (string Name, string Unit, string Figure, bool IsOfRoom, bool IsRate)[] _columns =
    [
        ("memory per connection", "B", "bytes per connection", false, false),
        ("server CPU per handshake", "us", "server CPU per handshake", false, false),
        ("server CPU per heartbeat", "us", "server CPU per heartbeat", false, false),
        ("server CPU per handshake and join of one room", "us", "server CPU per handshake", true, false),
        ("server CPU per delivery to one room", "us", "server CPU per delivery", true, false),
        ("handshakes", "/s", "handshakes", false, true),
        ("deliveries", "/s", "deliveries", true, true),
    ];

    public static Command Create()
    {
        Command command = new("curves", "Costs per unit against the number of connections, as a table and a plot") { _server, _sizes,
            _hold, _publish, _rounds, _report, _maxRise };
        command.SetAction((parsed, _) => RunAsync(parsed));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed)
    {
        int[] sizes = [.. parsed.GetRequiredValue(_sizes).Split(',')
            .Select(static each => int.Parse(each, CultureInfo.InvariantCulture)).Order()];
        List<double[]> rows = [];
        bool isWhole = true;
        foreach (int size in sizes)
        {
            double[] row = [.. _columns.Select(static _ => double.NaN)];
            for (int round = 0; isWhole && round < Math.Max(1, parsed.GetValue(_rounds)); round++)
            {
                isWhole = await MeasureAsync(new IdleScenario(), ["--connections", $"{size}", "--for", Seconds(parsed, _hold)],
                    isOfRoom: false, parsed, row)
                    && await MeasureAsync(
                        RoomsScenario.Fanout(),
                        ["--connections", $"{size}", "--rooms", "1", "--members-per-room", $"{size - 1}", "--window", "1", "--for",
                            Seconds(parsed, _publish)],
                        isOfRoom: true,
                        parsed,
                        row);
            }

            if (!isWhole)
            {
                Console.WriteLine(
                    $"FAILED with {size:N0}: what it costs to fail is no point of a curve. What follows is what there was before.");
                sizes = [.. sizes.Take(rows.Count)];
                break;
            }

            rows.Add(row);
        }

        if (rows.Count == 0)
        {
            return 1;
        }

        string directory = parsed.GetRequiredValue(_report);
        Directory.CreateDirectory(directory);
        await File.WriteAllLinesAsync(Path.Combine(directory, "curves.csv"), Table(sizes, rows));
        await File.WriteAllTextAsync(Path.Combine(directory, "curves.svg"), Draw(sizes, rows));
        Console.WriteLine($"{Path.GetFullPath(directory)}: curves.csv, curves.svg");
        return Evaluate(parsed, rows) && isWhole ? 0 : 1;
    }

    private static async Task<bool> MeasureAsync(Scenario scenario, string[] options, bool isOfRoom, ParseResult curves, double[] row)
    {
        ParseResult parsed = new RootCommand { scenario.Create() }.Parse([scenario.Name, .. options, "--warm-up-connections", "2000", "--settle", "8s", "--server", curves.GetRequiredValue(_server), "--url", "ws://127.0.0.1:{port}"]);
        int exitCode = await Session.RunAsync(scenario, parsed, new PlainView(Console.Out), outcome =>
        {
            for (int i = 0; i < _columns.Length; i++)
            {
                Figure? figure = outcome.Figures.FirstOrDefault(each => each.Name == _columns[i].Figure);
                if (_columns[i].IsOfRoom == isOfRoom && figure is not null)
                {
                    bool isBetter = double.IsNaN(row[i]) || (figure.Value < row[i]) != _columns[i].IsRate;
                    row[i] = isBetter ? figure.Value : row[i];
                }
            }
        });
        return exitCode == 0;
    }

    private static IEnumerable<string> Table(int[] sizes, List<double[]> rows)
        => rows.Select((row, i) => string.Join(',', row.Prepend(sizes[i]).Select(static each => each.ToString("0.###", CultureInfo.InvariantCulture))))
            .Prepend(string.Join(',', _columns.Select(static each => $"{each.Name} ({each.Unit})").Prepend("connections")));

    private static string Draw(int[] sizes, List<double[]> rows)
    {
        Plot Of(string title, string unit, Func<(string Name, string Unit, string Figure, bool IsOfRoom, bool IsRate), bool> which)
        {
            Plot plot = new(title, "connections", unit)
            {
                IsXLogarithmic = true,
                HasMarks = true,
                XTicks = [.. sizes.Select(static size => ((double)size, size.ToString("N0", CultureInfo.InvariantCulture)))],
            };
            for (int i = 0; i < _columns.Length; i++)
            {
                if (which(_columns[i]))
                {
                    string name = _columns[i].Name.Replace("server CPU per ", "", StringComparison.Ordinal);
                    plot.Add(name.Replace("handshake and join of one room", "with join", StringComparison.Ordinal)
                        .Replace(" to one room", "", StringComparison.Ordinal)
                            .Replace("memory per connection", "resident", StringComparison.Ordinal),
                                sizes.Select((size, row) => ((double)size, rows[row][i])));
                }
            }

            return plot;
        }

        return Plot.Stack(
        [
            Of("Server memory per connection", "bytes", static each => each.Unit == "B"),
            Of("Server processor time per handshake, heartbeat, and join of one room", "us", static each => each.Unit == "us"
                && !each.Figure.Contains("delivery", StringComparison.Ordinal)),
            Of("Server processor time per delivery to one room", "us",
                static each => each.Figure.Contains("delivery", StringComparison.Ordinal)),
            Of("Handshakes per second", "per second", static each => each.Name == "handshakes"),
        ]);
    }

    private static bool Evaluate(ParseResult parsed, List<double[]> rows)
    {
        bool isWithin = true;
        for (int i = 0; i < _columns.Length; i++)
        {
            double rise = rows[^1][i] / rows[0][i];
            bool holds = _columns[i].IsRate || parsed.GetValue(_maxRise) is not { } most || rise <= most;
            Console.WriteLine($"{(holds ? "ok    " : "FAILED")} {_columns[i].Name}: {rows[0][i]:N2} -> {rows[^1][i]:N2} {_columns[i].Unit}, {rise:N2} times");
            isWithin &= holds;
        }

        return isWithin;
    }

    private static string Seconds(ParseResult parsed, Option<TimeSpan> option)
        => parsed.GetValue(option).TotalSeconds.ToString(CultureInfo.InvariantCulture);
}
