namespace Weir.LoadTest.Suite;

/// <summary>A scenario of the command line.</summary>
/// <param name="Create">
/// Its loads: one, or one with companions that run at the same time. All of them are initialized before any begins, and cleaned
/// when all have ended.
/// </param>
internal sealed record SuiteScenario(string Name, Func<SuiteSettings, IReadOnlyList<SuiteLoad>> Create)
{
    /// <summary>One that has no companions.</summary>
    public SuiteScenario(string name, Func<SuiteSettings, SuiteLoad> create)
        : this(name, settings => [create(settings)])
    {
    }

    /// <summary>Servers of its own, to which it does what it must not do to one that others are on.</summary>
    public bool StartsServers { get; init; }

    /// <summary>The server's process, and not just what it answers.</summary>
    public bool WatchesServer { get; init; }

    /// <summary>Failures are a result of it, so that their number does not end the run.</summary>
    public bool RunsThroughFailures { get; init; }

    /// <summary>Passes against a Host with default settings, within seconds.</summary>
    public bool IsOfDefault { get; init; }
}
