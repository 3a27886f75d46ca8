using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Reports;
using Perfolizer.Horology;

namespace Weir.Bench;

/// <summary>The configuration of all benchmarks.</summary>
internal static class BenchConfig
{
    /// <param name="quick">
    /// Many iterations of 10 ms, of which the fastest counts: good to a few per cent, on a shared machine too.
    /// </param>
    public static IConfig Create(bool quick)
    {
        // Workstation and not concurrent: allocation figures do not depend on the number of cores, and no collector
        // thread takes a core from the code that is measured.
        Job job = Job.Default.WithGcServer(false).WithGcConcurrent(false);
        if (quick)
        {
            // So short a run is over before the JIT would begin to count calls, 100 ms after the last new method, and
            // would measure code that was never optimized.
            job = job
                .WithEnvironmentVariable("DOTNET_TC_CallCountingDelayMs", "0")
                .WithLaunchCount(1)
                .WithWarmupCount(30)
                .WithIterationCount(30)
                .WithIterationTime(TimeInterval.FromMilliseconds(10));
        }

        return ManualConfig.Create(DefaultConfig.Instance)
            .WithBuildTimeout(TimeSpan.FromMinutes(10)) // the default of two is not enough beside other builds
            .AddJob(job)
            .AddColumn(StatisticColumn.Min, new FastestRatioColumn())
            .HideColumns(Column.Job, Column.InvocationCount, Column.UnrollFactor)
            .HideColumns(Column.Error, Column.Median, Column.Ratio, Column.RatioSD)
            .HideColumns(Column.Gen0, Column.Gen1, Column.Gen2, Column.AllocRatio)
            .WithSummaryStyle(SummaryStyle.Default.WithMaxParameterColumnWidth(40));
    }
}
