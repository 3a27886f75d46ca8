using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace Weir.Bench;

/// <summary>
/// The ratio to the baseline, of the fastest iterations. On a shared machine the mean depends on other load; of many short
/// iterations some are undisturbed, and those agree from run to run.
/// </summary>
internal sealed class FastestRatioColumn : IColumn
{
    public string Id => nameof(FastestRatioColumn);

    public string ColumnName => "Min ratio";

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Baseline;

    public int PriorityInCategory => 0;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public string Legend => "Fastest iteration relative to the fastest iteration of the baseline";

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase)
    {
        BenchmarkCase? baseline = summary.GetBaseline(summary.GetLogicalGroupKey(benchmarkCase)!);
        double? own = summary[benchmarkCase]?.ResultStatistics?.Min;
        double? other = baseline is null ? null : summary[baseline]?.ResultStatistics?.Min;
        return own is null || other is null or 0 ? "?" : (own.Value / other.Value).ToString("0.000", CultureInfo.InvariantCulture);
    }

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);
}
