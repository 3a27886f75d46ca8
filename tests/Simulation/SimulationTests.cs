using System.Collections.Concurrent;
using System.Globalization;
using Weir.Simulation.Scenarios;
using Xunit;

namespace Weir.Simulation;

/// <summary>
/// Seeds that are tried in each run: WEIR_SIM_SEEDS of them (10,000), from WEIR_SIM_FIRST on. WEIR_SIM_SEED runs one alone and
/// prints what happened. WEIR_SIM_FEATURES names what may happen, if not all.
/// </summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    [Fact]
    public void Seeds_AllThatMayHappen_ListenersAndPublishersGetCorrectResults()
    {
        Features possible = Environment.GetEnvironmentVariable("WEIR_SIM_FEATURES") is { Length: > 0 } named ? Enum.Parse<Features>(named)
            : Features.All;
        if (Number("WEIR_SIM_SEED") is { } seed)
        {
            Report(Scenario.Run(seed, possible));
            return;
        }

        int first = Number("WEIR_SIM_FIRST") ?? 1;
        ConcurrentBag<SimulationResult> failed = [];
        Parallel.For(first, first + (Number("WEIR_SIM_SEEDS") ?? 10_000),
            new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, each =>
        {
            SimulationResult result = Scenario.Run(each, possible);
            if (result.Violations.Count > 0)
            {
                failed.Add(result);
            }
        });
        if (Environment.GetEnvironmentVariable("WEIR_SIM_SUMMARY") is { Length: > 0 } summary)
        {
            File.WriteAllLines(summary, failed.OrderBy(static each => each.Seed)
                .Select(static each => $"{each.Seed}\t{each.Features}\t{each.Violations[0].Split('\n')[0]}"));
        }

        if (failed.MinBy(static each => each.Seed) is { } shown)
        {
            output.WriteLine($"{failed.Count} seeds failed, of these {string.Join(", ", failed.Select(static each => each.Seed).Order().Take(20))}");
            Report(shown);
        }
    }

    [Fact]
    public void Seed_TwoRuns_SameTrace()
    {
        for (int seed = 1; seed <= 100; seed++)
        {
            Assert.Equal(Scenario.Run(seed, Features.All).Trace, Scenario.Run(seed, Features.All).Trace);
        }
    }

    private static int? Number(string variable)
        => int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number : null;

    private void Report(SimulationResult result)
    {
        foreach (string line in result.Trace)
        {
            output.WriteLine(line);
        }

        Assert.True(result.Violations.Count == 0,
            $"Seed {result.Seed} (WEIR_SIM_SEED={result.Seed} shows it again): {string.Join("; ", result.Violations.Take(1))}");
    }
}
