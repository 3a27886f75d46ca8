using NBomber.Contracts;
using NBomber.CSharp;

namespace Weir.LoadTest.Suite;

/// <summary>A scenario of the command line.</summary>
/// <param name="Create">
/// Its loads: one, or one with companions that run at the same time. All of them are initialized before any begins, and cleaned
/// when all have ended.
/// </param>
internal sealed record SuiteScenario(string Name, Func<SuiteSettings, IReadOnlyList<SuiteLoad>> Create)
{
    /// <summary>One that has no companions.</summary>
    public SuiteScenario(string name, string step, Func<SuiteSettings, ScenarioProps> create)
        : this(name, settings => [new SuiteLoad(name, step, create(settings))])
    {
    }

    /// <summary>Servers of its own, to which it does what it must not do to one that others are on.</summary>
    public bool StartsServers { get; init; }

    /// <summary>The server's process, and not just what it answers.</summary>
    public bool WatchesServer { get; init; }

    /// <summary>Passes against a Host with default settings, within seconds.</summary>
    public bool IsOfDefault { get; init; }
}

/// <summary>What a runner runs as one scenario.</summary>
/// <param name="Step">The one that decides: it must have been run, without a failure.</param>
internal sealed record SuiteLoad(string Name, string Step, ScenarioProps Props)
{
    /// <summary>One iteration, which begins with the load.</summary>
    public static LoadSimulation Once(TimeSpan during) => Simulation.Inject(rate: 1, interval: during, during: during);
}
