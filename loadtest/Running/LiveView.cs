using Spectre.Console;
using Spectre.Console.Rendering;
using Weir.LoadTest.Measuring;

namespace Weir.LoadTest.Running;

/// <summary>A table on a terminal that is drawn anew every second, above the lines that were written.</summary>
internal sealed class LiveView(IAnsiConsole console) : IView
{
    private readonly List<string> _lines = [];
    private Sample? _sample;
    private LiveDisplayContext? _display;

    public void WriteLine(string line)
    {
        _lines.Add(line);
        Draw();
    }

    public void Show(Sample sample)
    {
        _sample = sample;
        Draw();
    }

    public async Task<int> AroundAsync(Func<Task<int>> run)
    {
        int exitCode = 0;
        await console.Live(new Text("")).StartAsync(async display =>
        {
            _display = display;
            exitCode = await run();
            _sample = null; // the lines remain
            Draw();
            _display = null;
        });
        return exitCode;
    }

    private static Table Tabulate(Sample sample)
    {
        Table table = new Table().RoundedBorder().HideHeaders().AddColumn("").AddColumn("").AddColumn("").AddColumn("");
        void Row(string first, string second, string third, string fourth)
            => table.AddRow($"[grey]{first}[/]", second, $"[grey]{third}[/]", fourth);
        Row("phase", $"[bold]{Markup.Escape(sample.Phase)}[/]", "time", $"{sample.Seconds:N0} s");
        Row("open", $"{sample.Open:N0}", "opened", $"{sample.OpenedPerSecond:N0}/s");
        Row("sent", $"{sample.SentPerSecond:N0}/s", "received", $"{sample.ReceivedPerSecond:N0}/s");
        Row("latency p50", $"{sample.P50:N2} ms", "p99", $"{sample.P99:N2} ms, most {sample.Most:N2}");
        Row("handshake p50", $"{sample.HandshakeP50:N2} ms", "p99", $"{sample.HandshakeP99:N2} ms");
        Row("lost", sample.Lost == 0 ? "0" : $"[red]{sample.Lost:N0}[/]", "refused",
            $"{sample.RefusedPerSecond + sample.RebuffedPerSecond:N0}/s");
        Row("client CPU", $"{sample.ClientCpu:P0}", "heartbeats", $"{sample.HeartbeatsPerSecond:N0}/s");
        Row("server CPU", sample.ServerCpu is { } cpu ? $"{cpu:P0}" : "-", "server memory", sample.ServerBytes is { } bytes
            ? $"{bytes / 1e6:N0} MB" : "-");
        return table;
    }

    private void Draw()
    {
        List<IRenderable> parts = [.. _lines.Select(
            static line => new Text(line, line.StartsWith("FAILED", StringComparison.Ordinal) ? new Style(Color.Red) : Style.Plain))];
        if (_sample is not null)
        {
            parts.Add(Tabulate(_sample));
        }

        _display?.UpdateTarget(new Rows(parts));
    }
}
