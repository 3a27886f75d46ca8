using Weir.LoadTest.Measuring;

namespace Weir.LoadTest.Running;

/// <summary>Lines, for logs and pipes: one for every few seconds.</summary>
internal sealed class PlainView(TextWriter output) : IView
{
    private const double Interval = 5;

    private string _phase = "";
    private double _last;

    public void WriteLine(string line) => output.WriteLine(line);

    public void Show(Sample sample)
    {
        _last = sample.Phase == _phase ? _last : sample.Seconds - 1;
        _phase = sample.Phase;
        if (sample.Seconds - _last >= Interval)
        {
            _last = sample.Seconds;
            output.WriteLine($"  {Describe(sample)}");
        }
    }

    public Task<int> AroundAsync(Func<Task<int>> run) => run();

    private static string Describe(Sample sample)
    {
        List<string> parts = [$"{sample.Seconds,5:N0} s {sample.Phase}: {sample.Open:N0} open"];
        Add(parts, sample.OpenedPerSecond, "opened/s");
        Add(parts, sample.RefusedPerSecond, "refused/s");
        Add(parts, sample.RebuffedPerSecond, "rebuffed/s");
        Add(parts, sample.SentPerSecond, "sent/s");
        Add(parts, sample.ReceivedPerSecond, "received/s");
        if (sample.ReceivedPerSecond > 0)
        {
            parts.Add($"p50 {sample.P50:N2} ms, p99 {sample.P99:N2}");
        }

        parts.Add($"CPU client {sample.ClientCpu:P0}{(sample.ServerCpu is { } server ? $", server {server:P0}" : "")}");
        return string.Join(", ", parts);
    }

    private static void Add(List<string> parts, double value, string unit)
    {
        if (value > 0)
        {
            parts.Add($"{value:N0} {unit}");
        }
    }
}
