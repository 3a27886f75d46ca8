using System.Globalization;

namespace Weir.TestSupport.Processes;

// What can be seen of a running Host from outside.
public sealed partial class HostProcess
{
    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(50);

    private readonly HttpClient _http = new() { Timeout = Weir.Testing.Bounded.DefaultLimit };

    public async Task<int> StatusOfAsync(string path)
    {
        using HttpResponseMessage response = await _http.GetAsync(AddressOf(path));
        return (int)response.StatusCode;
    }

    public Task<string> BodyOfAsync(string path) => _http.GetStringAsync(AddressOf(path));

    /// <summary>The sum of a metric's series, of those that have the label if one is named; 0 when there is none.</summary>
    /// <param name="name">Its name for Prometheus.</param>
    /// <param name="label">A label with its value, as <c>state="open"</c>.</param>
    public async Task<double> MetricAsync(string name, string label = "")
    {
        string page = await _http.GetStringAsync(AddressOf("/metrics"));
        return page.Split('\n')
            .Where(line => line.StartsWith(name, StringComparison.Ordinal) && line[name.Length..] is [' ' or '{', ..])
            .Where(line => line.Contains(label, StringComparison.Ordinal))
            .Sum(static line => ValueOf(line));
    }

    /// <summary>Waits until a metric has a value; frequent requests get answers up to 300 ms old.</summary>
    public async Task MetricBecomesAsync(string name, Func<double, bool> isRight, TimeSpan? limit = null, string label = "")
    {
        TimeSpan bound = limit ?? Weir.Testing.Bounded.DefaultLimit;
        long start = TimeProvider.System.GetTimestamp();
        double value;
        while (!isRight(value = await MetricAsync(name, label)))
        {
            if (TimeProvider.System.GetElapsedTime(start) > bound)
            {
                throw new TimeoutException($"{name} {label} is still {value} after {bound.TotalSeconds} s.");
            }

            await Task.Delay(_look, TimeProvider.System, CancellationToken.None);
        }
    }

    /// <summary>VmRSS.</summary>
    public long ResidentBytes()
    {
        string line = File.ReadLines($"/proc/{Id}/status").First(static line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return 1024 * long.Parse(line["VmRSS:".Length..^"kB".Length], CultureInfo.InvariantCulture);
    }

    private Uri AddressOf(string path) => new(Addresses[0], path);

    // name{labels} value timestamp; label values of ours have no space.
    private static double ValueOf(string line)
    {
        string rest = line[(line.IndexOf('}', StringComparison.Ordinal) + 1)..].TrimStart();
        string[] words = line.Contains('}', StringComparison.Ordinal) ? rest.Split(' ') : rest.Split(' ')[1..];
        return double.Parse(words[0], CultureInfo.InvariantCulture);
    }
}
