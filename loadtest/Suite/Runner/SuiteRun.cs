using System.Diagnostics;
using NBomber.Contracts;
using NBomber.Contracts.Stats;

namespace Weir.LoadTest.Suite.Runner;

/// <summary>
/// All scenarios of a run: their inits, their loads at the same time, their cleans; a line about each at intervals, and the reports.
/// </summary>
internal sealed class SuiteRun(NBomberContext context)
{
    private readonly ScenarioRun[] _scenarios = [.. context.Scenarios.Select(scenario => new ScenarioRun(scenario, context.TestInfo))];

    public async Task<NodeStats> RunAsync()
    {
        try
        {
            // In their order, as NBomber does: a scenario may count on what another has prepared, and no load disturbs it.
            foreach (ScenarioRun scenario in _scenarios)
            {
                await scenario.InitAsync();
            }

            return await RunLoadsAsync();
        }
        finally
        {
            foreach (ScenarioRun scenario in _scenarios)
            {
                await scenario.CleanAsync();
            }
        }
    }

    private async Task<NodeStats> RunLoadsAsync()
    {
        long began = Stopwatch.GetTimestamp();
        Task all = Task.WhenAll(_scenarios.Select(static scenario => scenario.RunAsync()));
        while (await Task.WhenAny(all, Task.Delay(context.ReportingInterval, TimeProvider.System)) != all)
        {
            foreach (ScenarioStats stats in _scenarios.Select(static scenario => scenario.Stats))
            {
                Console.WriteLine($"  {stats.ScenarioName}: {stats.Ok.Request.RPS:N0} ok/s, {stats.Fail.Request.Count:N0} failed, p99 {stats.Ok.Latency.Percent99:N2} ms");
            }
        }

        await all;
        NodeStats result = new([.. _scenarios.Select(static scenario => scenario.Stats)],
            context.TestInfo, Stopwatch.GetElapsedTime(began));
        SuiteReport.Write(result, context.ReportFolder, context.ReportFormats);
        return result;
    }
}
