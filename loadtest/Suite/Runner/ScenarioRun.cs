using System.Diagnostics;
using NBomber.Contracts;
using NBomber.Contracts.Stats;

namespace Weir.LoadTest.Suite.Runner;

/// <summary>One scenario. Its init, its load and its clean are called by the runner of all scenarios.</summary>
/// <param name="stop">Ends the loads of all scenarios before their time; with the reason.</param>
internal sealed class ScenarioRun(ScenarioProps scenario, TestInfo test, Action<string> stop)
{
    private readonly Recorder _recorder = new(scenario.ScenarioName);
    private readonly List<Task> _underWay = [];
    private long _began;
    private TimeSpan? _duration;

    /// <summary>Until now, or in the end.</summary>
    public ScenarioStats Stats => _recorder.Stats(_duration ?? (_began == 0 ? TimeSpan.Zero : Stopwatch.GetElapsedTime(_began)));

    /// <summary>Completed when the iterations that were begun have ended, which may be after the load.</summary>
    public Task IterationsAsync() => Task.WhenAll(_underWay);

    public Task InitAsync() => scenario.Init?.Invoke(Context()) ?? Task.CompletedTask;

    public Task CleanAsync() => scenario.Clean?.Invoke(Context()) ?? Task.CompletedTask;

    /// <summary>Returns when the load is over, with iterations in progress.</summary>
    public async Task RunAsync(CancellationToken stopped)
    {
        if (scenario.WarmUp > TimeSpan.Zero && scenario.LoadSimulations is [var first, ..])
        {
            await SimulateAsync([new LoadSimulation(first.Kind, first.IsRamp, first.Target, first.Interval, scenario.WarmUp)], stopped);
            await IterationsAsync();
        }

        _recorder.IsOn = true;
        _began = Stopwatch.GetTimestamp();
        await SimulateAsync(scenario.LoadSimulations, stopped);

        // What was planned, not what the last iteration took longer: rates are of the load, without its pauses.
        _duration = stopped.IsCancellationRequested
            ? Stopwatch.GetElapsedTime(_began)
            : TimeSpan.FromTicks(scenario.LoadSimulations
                .Where(static each => each.Kind != LoadKind.None)
                .Sum(static each => each.During.Ticks));
    }

    private static Task UntilAsync(long began, TimeSpan due, CancellationToken stopped)
    {
        TimeSpan wait = due - Stopwatch.GetElapsedTime(began);
        return wait <= TimeSpan.Zero
            ? Task.CompletedTask
            : Task.Delay(wait, TimeProvider.System, stopped).ContinueWith(
                static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private IterationContext Context() => new(new ScenarioInfo(scenario.ScenarioName), _recorder, test, scenario.RestartsIterationOnFail);

    private async Task SimulateAsync(IReadOnlyList<LoadSimulation> simulations, CancellationToken stopped)
    {
        Copies copies = new(() => IterateOnceAsync(Stopwatch.GetTimestamp()));
        int before = 0;
        foreach (LoadSimulation simulation in simulations)
        {
            await SimulateAsync(simulation, before, copies, stopped);
            before = simulation.Target;
        }

        copies.ChangeTo(0, static () => TimeSpan.Zero);
    }

    private async Task SimulateAsync(LoadSimulation simulation, int before, Copies copies, CancellationToken stopped)
    {
        long began = Stopwatch.GetTimestamp();
        TimeSpan interval = Schedule.IntervalOf(simulation);
        TimeSpan StartDelay() => interval * Random.Shared.NextDouble();
        for (TimeSpan at = TimeSpan.Zero; at < simulation.During && !stopped.IsCancellationRequested; at += interval)
        {
            if (_recorder.Failures >= scenario.MaxFailCount)
            {
                stop($"{scenario.ScenarioName} has failed {_recorder.Failures:N0} times");
                return;
            }

            int due = Schedule.DueAt(simulation, before, at);
            _underWay.RemoveAll(static each => each.IsCompletedSuccessfully);
            _underWay.AddRange(copies.ChangeTo(simulation.Kind == LoadKind.Closed ? due : 0, StartDelay));
            for (int i = 0; i < due && simulation.Kind == LoadKind.Open; i++)
            {
                TimeSpan delay = StartDelay();
                _underWay.Add(Task.Run(() => IterateAfterAsync(delay, stopped), CancellationToken.None));
            }

            TimeSpan end = at + interval;
            await UntilAsync(began, end < simulation.During ? end : simulation.During, stopped);
        }
    }

    private async Task IterateAfterAsync(TimeSpan delay, CancellationToken stopped)
    {
        long began = Stopwatch.GetTimestamp();
        await UntilAsync(began, delay, stopped);
        if (!stopped.IsCancellationRequested)
        {
            // A timer may be a fraction of a millisecond early: then it is due now.
            await IterateOnceAsync(Math.Min(began + (long)(delay.TotalSeconds * Stopwatch.Frequency), Stopwatch.GetTimestamp()));
        }
    }

    private Task IterateOnceAsync(long due) => _recorder.IterateAsync(() => scenario.Iterate(Context()), due);
}
