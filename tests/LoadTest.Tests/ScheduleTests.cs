extern alias suite;

using suite::NBomber.Contracts;
using suite::NBomber.CSharp;
using suite::Weir.LoadTest.Suite.Runner;
using Xunit;

namespace Weir.LoadTest.Tests;

/// <summary>Our runner begins as many iterations in each interval as NBomber: by the percents of its scheduler.</summary>
public sealed class ScheduleTests
{
    private static readonly TimeSpan _second = TimeSpan.FromSeconds(1);

    [Fact]
    public void Ramp_FromNothing_BeginsWithNothingAndRisesEvenly()
    {
        LoadSimulation ramp = Simulation.RampingInject(rate: 40, interval: _second, during: 4 * _second);

        Assert.Equal([0, 10, 20, 30], Enumerable.Range(0, 4).Select(at => Schedule.DueAt(ramp, before: 0, at * _second)));
    }

    [Fact]
    public void Ramp_Down_FallsFromTheTargetBefore()
    {
        LoadSimulation ramp = Simulation.RampingConstant(copies: 0, during: 4 * _second);

        Assert.Equal([40, 30, 20, 10], Enumerable.Range(0, 4).Select(at => Schedule.DueAt(ramp, before: 40, at * _second)));
    }

    [Fact]
    public void Interval_OfCopies_IsASecond()
    {
        Assert.Equal(_second, Schedule.IntervalOf(Simulation.KeepConstant(copies: 1, during: 4 * _second)));
        Assert.Equal(2 * _second, Schedule.IntervalOf(Simulation.Inject(rate: 1, interval: 2 * _second, during: 4 * _second)));
    }
}
