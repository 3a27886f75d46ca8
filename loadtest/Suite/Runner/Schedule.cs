using NBomber.Contracts;

namespace Weir.LoadTest.Suite.Runner;

/// <summary>How much of a load begins in which interval, by the arithmetic of NBomber: so that counts agree.</summary>
internal static class Schedule
{
    private const double WholePercent = 100;

    // NBomber refuses less.
    private static readonly TimeSpan _shortest = TimeSpan.FromSeconds(1);

    /// <summary>The time between two looks at a simulation: what begins then begins at random times until the next.</summary>
    public static TimeSpan IntervalOf(LoadSimulation simulation)
        => simulation.Kind == LoadKind.Open ? simulation.Interval : TimeSpan.FromSeconds(1);

    /// <param name="before">The target of the simulation before; 0 at first, and after a pause.</param>
    /// <param name="at">The begin of the interval. A ramp from 0 has nothing in its first.</param>
    /// <returns>Of an open load, how many iterations begin in this interval; of a closed one, how many copies there are.</returns>
    public static int DueAt(LoadSimulation simulation, int before, TimeSpan at)
    {
        if (!simulation.IsRamp)
        {
            return simulation.Target;
        }

        double percent = Round(at / simulation.During * WholePercent);
        return (int)Round(before + ((simulation.Target - before) * percent / WholePercent));
    }

    /// <summary>The fault of a load; null if it has none.</summary>
    public static string? Problem(LoadSimulation simulation)
        => simulation.During < _shortest ? $"A load of {simulation.During.TotalSeconds:0.###} s: it must last 1 s at least."
        : simulation.Interval > simulation.During ? "An interval must not be longer than its load."
        : simulation.Target < 0 ? "A rate, and a number of copies, must not be below 0."
        : null;

    private static double Round(double value) => Math.Round(value, MidpointRounding.AwayFromZero);
}
