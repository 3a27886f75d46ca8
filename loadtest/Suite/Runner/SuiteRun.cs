using System.Diagnostics;
using NBomber.Contracts;
using NBomber.Contracts.Stats;

namespace Weir.LoadTest.Suite.Runner;

/// <summary>
/// All scenarios of a run: their inits, their loads at the same time, their cleans; a line about each at intervals, and the reports.
/// </summary>
internal sealed class SuiteRun : IDisposable
{
    // For iterations that are in progress when all loads are over; as NBomber.
    private static readonly TimeSpan _stragglers = TimeSpan.FromSeconds(60);

    private readonly NBomberContext _context;
    private readonly ScenarioRun[] _scenarios;
    private readonly CancellationTokenSource _stopped = new();

    public SuiteRun(NBomberContext context)
    {
        _context = context;
        _scenarios = [.. context.Scenarios.Select(scenario => new ScenarioRun(scenario, context.TestInfo, Stop))];
    }

    public void Dispose() => _stopped.Dispose();

    public async Task<NodeStats> RunAsync()
    {
        foreach (ScenarioProps scenario in _context.Scenarios)
        {
            if (scenario.LoadSimulations.Select(Schedule.Problem).FirstOrDefault(static each => each is not null) is { } problem)
            {
                throw new InvalidOperationException($"{scenario.ScenarioName}: {problem}");
            }
        }

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

    private void Stop(string reason)
    {
        Console.WriteLine($"The run ends early: {reason}.");
        _stopped.Cancel();
    }

    private async Task<NodeStats> RunLoadsAsync()
    {
        long began = Stopwatch.GetTimestamp();
        await ShownAsync(Task.WhenAll(_scenarios.Select(scenario => scenario.RunAsync(_stopped.Token))));
        Task iterations = Task.WhenAll(_scenarios.Select(static scenario => scenario.IterationsAsync()));
        await ShownAsync(Task.WhenAny(iterations, Task.Delay(_stragglers, TimeProvider.System)));

        NodeStats result = new([.. _scenarios.Select(static scenario => scenario.Stats)],
            _context.TestInfo, Stopwatch.GetElapsedTime(began));
        SuiteReport.Write(result, _context.ReportFolder, _context.ReportFormats);
        return result;
    }

    private async Task ShownAsync(Task all)
    {
        while (await Task.WhenAny(all, Task.Delay(_context.ReportingInterval, TimeProvider.System)) != all)
        {
            foreach (ScenarioStats stats in _scenarios.Select(static scenario => scenario.Stats))
            {
                Console.WriteLine($"  {stats.ScenarioName}: {stats.Ok.Request.RPS:N0} ok/s, {stats.Fail.Request.Count:N0} failed, p99 {stats.Ok.Latency.Percent99:N2} ms");
            }
        }

        await all;
    }
}
