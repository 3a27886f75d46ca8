using System.Globalization;
using System.Reflection;
using Weir.LoadTest.Measuring;

namespace Weir.LoadTest.Reporting;

/// <summary>Tables for other plotting programs.</summary>
internal static class CsvReport
{
    private static readonly PropertyInfo[] _columns = typeof(Sample).GetProperties();

    /// <summary>A line for each second.</summary>
    public static IEnumerable<string> Seconds(RunReport report)
        => report.Seconds
            .Select(static sample => string.Join(',', _columns.Select(column => Text(column.GetValue(sample)))))
            .Prepend(string.Join(',', _columns.Select(static column => column.Name)));

    /// <summary>The distribution of each latency in each phase.</summary>
    public static IEnumerable<string> Latencies(RunReport report)
        => report.Phases
            .SelectMany(static phase => phase.Latencies.SelectMany(each => each.Value.Distribution.Select(
                point => string.Join(',', Text(phase.Name), Text(each.Key), Text(point.Percentile), Text(point.Milliseconds)))))
            .Prepend("Phase,Latency,Percentile,Milliseconds");

    private static string Text(object? value) => value is IFormattable number
        ? number.ToString(value is double ? "0.#####" : null, CultureInfo.InvariantCulture)
        : $"{value}".Replace(",", " ", StringComparison.Ordinal);
}
