using NBomber.Contracts;
using Weir.LoadTest.Client;
using Weir.LoadTest.Running;

namespace Weir.LoadTest.Suite;

/// <summary>The amounts. <see cref="SuiteOptions"/> describes each, with the defaults.</summary>
internal sealed record SuiteSettings
{
    public static TimeSpan Second { get; } = TimeSpan.FromSeconds(1);

    /// <summary>Without a path: scenarios have theirs.</summary>
    public required SuiteTarget Target { get; init; }

    /// <summary>The server behind <see cref="Target"/>; null: not on this machine, or not given.</summary>
    public LocalServer? Server { get; init; }

    /// <summary>For scenarios that start servers of their own.</summary>
    public required SuiteServers Servers { get; init; }

    public required int Copies { get; init; }

    public required int Rate { get; init; }

    /// <summary>How long each load, after a ramp of a fifth of it where there is one.</summary>
    public required TimeSpan During { get; init; }

    /// <summary>Zero, which is no ramp, where it would be shorter than a second: NBomber refuses such a load.</summary>
    public TimeSpan Ramp => During / 5 >= Second ? During / 5 : TimeSpan.Zero;

    public required int PayloadBytes { get; init; }

    public required int Members { get; init; }

    public required int Connections { get; init; }

    public required TimeSpan HeartbeatTimeout { get; init; }

    public required int Slow { get; init; }

    public required TimeSpan SlowFor { get; init; }

    public required TimeSpan Down { get; init; }

    public required Backoff Backoff { get; init; }

    public required TimeSpan MaxAway { get; init; }

    public required TimeSpan DrainTimeout { get; init; }

    public required int Churn { get; init; }

    /// <summary>With the ramp, where there is one.</summary>
    /// <param name="ramp">From 0 to <paramref name="load"/>.</param>
    public IReadOnlyList<LoadSimulation> Ramped(Func<TimeSpan, LoadSimulation> ramp, LoadSimulation load)
        => Ramp > TimeSpan.Zero ? [ramp(Ramp), load] : [load];

    /// <summary>Megabytes per hour; null: any.</summary>
    public double? MaxGrowth { get; init; }
}
