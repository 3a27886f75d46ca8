using System.Diagnostics;
using NBomber.Contracts;
using NBomber.Contracts.Stats;

namespace Weir.LoadTest.Suite.Runner;

/// <summary>One scenario. Its init, its load and its clean are called by the runner of all scenarios.</summary>
internal sealed class ScenarioRun
{
    // For iterations that are under way when the time is up.
    private static readonly TimeSpan _stragglers = TimeSpan.FromSeconds(30);

    private readonly ScenarioProps _scenario;
    private readonly IterationContext _context;
    private readonly Recorder _recorder;
    private long _began;
    private TimeSpan? _duration;

    public ScenarioRun(ScenarioProps scenario, TestInfo test)
    {
        _scenario = scenario;
        _recorder = new Recorder(scenario.ScenarioName);
        _context = new IterationContext(new ScenarioInfo(scenario.ScenarioName), _recorder, test);
    }

    /// <summary>Until now, or in the end.</summary>
    public ScenarioStats Stats => _recorder.Stats(_duration ?? (_began == 0 ? TimeSpan.Zero : Stopwatch.GetElapsedTime(_began)));

    public Task InitAsync() => _scenario.Init?.Invoke(_context) ?? Task.CompletedTask;

    public Task CleanAsync() => _scenario.Clean?.Invoke(_context) ?? Task.CompletedTask;

    public async Task RunAsync()
    {
        if (_scenario.WarmUp > TimeSpan.Zero && _scenario.LoadSimulations is [var first, ..])
        {
            LoadSimulation warmUp = new(first.IsOpen, first.IsRamp, first.Target, first.Interval, _scenario.WarmUp);
            await SimulateAsync(warmUp, before: 0);
        }

        _recorder.IsOn = true;
        _began = Stopwatch.GetTimestamp();
        LoadSimulation? before = null;
        foreach (LoadSimulation simulation in _scenario.LoadSimulations)
        {
            await SimulateAsync(simulation, before is not null && before.IsOpen == simulation.IsOpen ? before.Target : 0);
            before = simulation;
        }

        // What was planned, not what the last iteration took longer: rates are of the load.
        _duration = TimeSpan.FromTicks(_scenario.LoadSimulations.Sum(static each => each.During.Ticks));
    }

    private static Task UntilAsync(long began, TimeSpan due)
    {
        TimeSpan wait = due - Stopwatch.GetElapsedTime(began);
        return wait > TimeSpan.Zero ? Task.Delay(wait, TimeProvider.System) : Task.CompletedTask;
    }

    private Task SimulateAsync(LoadSimulation simulation, int before)
    {
        Ramp ramp = new(simulation, before);
        return simulation.IsOpen ? InjectAsync(simulation, ramp) : IterateAsync(simulation, ramp, before);
    }

    private async Task InjectAsync(LoadSimulation simulation, Ramp ramp)
    {
        long began = Stopwatch.GetTimestamp();
        List<Task> underWay = [];
        for (int i = 0; i < ramp.Iterations; i++)
        {
            TimeSpan due = ramp.DueOf(i);
            await UntilAsync(began, due);

            // A timer may be a fraction of a millisecond early: then it is due now.
            long dueAt = Math.Min(began + (long)(due.TotalSeconds * Stopwatch.Frequency), Stopwatch.GetTimestamp());
            underWay.Add(Task.Run(() => IterateOnceAsync(dueAt)));
            if (underWay.Count % 1000 == 0)
            {
                underWay.RemoveAll(static each => each.IsCompleted);
            }
        }

        await UntilAsync(began, simulation.During);
        await Task.WhenAny(Task.WhenAll(underWay), Task.Delay(_stragglers, TimeProvider.System));
    }

    private Task IterateAsync(LoadSimulation simulation, Ramp ramp, int before)
    {
        long began = Stopwatch.GetTimestamp();
        return Task.WhenAll(Enumerable.Range(0, Math.Max(before, simulation.Target)).Select(copy => Task.Run(async () =>
        {
            if (ramp.TimesOf(copy) is not var (start, end))
            {
                return;
            }

            await UntilAsync(began, start);
            while (Stopwatch.GetElapsedTime(began) < end)
            {
                await IterateOnceAsync(Stopwatch.GetTimestamp());
            }
        })));
    }

    private Task IterateOnceAsync(long due) => _recorder.IterateAsync(() => _scenario.Iterate(_context), due);
}
