using NBomber.Contracts;

namespace Weir.LoadTest.Suite.Runner;

/// <summary>A load that changes evenly from one number to another, or stays the same: when what is due.</summary>
internal sealed class Ramp
{
    private readonly double _from;
    private readonly double _slope;
    private readonly double _seconds;
    private readonly double _before;
    private readonly double _target;

    /// <param name="before">The target of the simulation before, in the same unit; 0 at first.</param>
    public Ramp(LoadSimulation simulation, double before)
    {
        double perSecond = simulation.IsOpen ? 1 / simulation.Interval.TotalSeconds : 1;
        _seconds = simulation.During.TotalSeconds;
        _before = simulation.IsRamp ? before : simulation.Target;
        _target = simulation.Target;
        _from = _before * perSecond;
        _slope = ((_target - _before) * perSecond) / _seconds;
        Iterations = simulation.IsOpen ? (int)Math.Round((_from + (_slope * _seconds / 2)) * _seconds) : 0;
    }

    /// <summary>Of an open load, how many in all.</summary>
    public int Iterations { get; }

    /// <summary>Of an open load: when the iteration of this number, from 0, is due.</summary>
    public TimeSpan DueOf(int iteration)
    {
        // The time until which so many are due: from t + slope t^2 / 2 = iteration.
        double seconds = Math.Abs(_slope) < 1e-9
            ? iteration / _from
            : (Math.Sqrt(Math.Max(0, (_from * _from) + (2 * _slope * iteration))) - _from) / _slope;
        return TimeSpan.FromSeconds(Math.Min(seconds, _seconds));
    }

    /// <summary>Of a closed load: from when to when the copy of this number, from 0, iterates; null: not at all.</summary>
    public (TimeSpan Start, TimeSpan End)? TimesOf(int copy)
    {
        bool isThereBefore = copy < _before;
        bool isThereAfter = copy < _target;
        if (!isThereBefore && !isThereAfter)
        {
            return null;
        }

        double change = isThereBefore == isThereAfter ? 0 : (copy - _before + (_target > _before ? 0 : 1)) / (_target - _before) * _seconds;
        return (TimeSpan.FromSeconds(isThereBefore ? 0 : change), TimeSpan.FromSeconds(isThereAfter ? _seconds : change));
    }
}
