using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using Weir.Bench.Files;
using Weir.Bench.Postgres;
using Weir.Bench.Redis;

namespace Weir.Bench;

/// <summary>
/// <c>--check</c> fails if a hot path allocates; <c>--redis</c> compares publishes with redis-benchmark, <c>--postgres</c> those through
/// PostgreSQL with those through Redis, <c>--nats</c> those through NATS, <c>--postgres-wakeups</c> the ways in which a node learns of an
/// application's transactions, <c>--postgres-sizes</c> measures its tables over minutes, <c>--file</c> publishes through the brokers of a
/// single node; <c>--quick</c> measures in minutes instead of an hour; all other arguments are BenchmarkDotNet's.
/// </summary>
internal static class Program
{
    public static async Task<int> Main(string[] args)
    {
        if (args.Contains("--redis"))
        {
            return args.Contains("--pinned") ? await PublishRate.RunAsync(Console.Out) : await PublishRate.RunPinnedAsync();
        }

        if (args.Contains("--postgres"))
        {
            return args.Contains("--pinned") ? await BesideRedis.RunAsync(Console.Out) : await BesideRedis.RunPinnedAsync();
        }

        if (args.Contains("--nats"))
        {
            return args.Contains("--pinned")
                ? await Nats.BesideRedis.RunAsync(Console.Out)
                : await Nats.BesideRedis.RunPinnedAsync();
        }

        if (args.Contains("--postgres-sizes"))
        {
            return await TableSizes.RunAsync(Console.Out);
        }

        if (args.Contains("--postgres-wakeups"))
        {
            return await WakeUps.RunAsync(Console.Out);
        }

        if (args.Contains("--file"))
        {
            return await FilePublishRate.RunAsync(Console.Out);
        }

        if (args.Contains("--check"))
        {
            return AllocationCheck.Run(Console.Out) ? 0 : 1;
        }

        bool quick = args.Contains("--quick");
        string[] rest = [.. args.Where(static argument => argument != "--quick")];
        IEnumerable<Summary> summaries = BenchmarkSwitcher
            .FromAssembly(typeof(Program).Assembly)
            .Run(rest, BenchConfig.Create(quick));

        // A benchmark whose setup finds wrong output throws there: that is a failed run, not a missing row.
        return summaries.All(IsGood) ? 0 : 1;
    }

    private static bool IsGood(Summary summary)
        => !summary.HasCriticalValidationErrors && summary.Reports.All(static report => report.Success);
}
