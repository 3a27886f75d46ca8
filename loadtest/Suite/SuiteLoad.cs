using NBomber.Contracts;
using NBomber.CSharp;

namespace Weir.LoadTest.Suite;

/// <summary>
/// What a runner runs as one scenario. The settings without which NBomber treats a failure differently than these scenarios need are
/// made here, so that a new scenario cannot lack them.
/// </summary>
/// <param name="name">Of NBomber's scenario.</param>
/// <param name="step">The one that decides: it must have been run, without a failure.</param>
/// <param name="iterate">One iteration; its steps are run by <see cref="SuiteStep"/>.</param>
/// <param name="simulations">One after another.</param>
internal sealed class SuiteLoad(
    string name, string step, Func<IScenarioContext, Task<Response<object>>> iterate, IReadOnlyList<LoadSimulation> simulations)
{
    public string Name => name;

    public string Step => step;

    /// <summary>Awaited before any load begins.</summary>
    /// <remarks>
    /// Not as NBomber's <c>WithInit</c>: it writes a stack trace for an exception of that, and then cleans none of the scenarios.
    /// </remarks>
    public Func<Task> Init { get; init; } = static () => Task.CompletedTask;

    /// <summary>Awaited when all loads have ended, and when an init has failed.</summary>
    public Func<Task> Clean { get; init; } = static () => Task.CompletedTask;

    /// <summary>One iteration, which begins within the first second of the load.</summary>
    /// <remarks>
    /// NBomber begins an iteration at a random time within its interval: with the whole load as the interval, it can begin at the end of
    /// the load, or not at all.
    /// </remarks>
    public static IReadOnlyList<LoadSimulation> Once(TimeSpan during) =>
    [
        Simulation.Inject(rate: 1, interval: SuiteSettings.Second, during: SuiteSettings.Second),
        Simulation.Pause(during: during),
    ];

    /// <param name="maxFailures">The run ends when so many iterations have failed.</param>
    public ScenarioProps Props(int maxFailures) => Scenario
        .Create(name, async context => await SuiteStep.CaughtAsync(() => iterate(context)))
        .WithoutWarmUp()
        .WithRestartIterationOnFail(false) // else a failed step throws through the iteration
        .WithMaxFailCount(maxFailures)
        .WithLoadSimulations([.. simulations]);
}
