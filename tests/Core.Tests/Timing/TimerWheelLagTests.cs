using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging.Abstractions;
using Weir.Testing;
using Weir.Timing;
using Xunit;

namespace Weir.Core.Tests.Timing;

/// <summary>What the wheel reports of its own lateness.</summary>
public sealed class TimerWheelLagTests : IDisposable
{
    private static readonly TimeSpan _tick = TimerWheel.DefaultTick;

    private readonly ManualTimeProvider _time = new();
    private readonly MetricProbe _metrics = new();
    private readonly TimerWheel _wheel;

    public TimerWheelLagTests()
    {
        Histogram<double> lag = _metrics.Create(new MeterOptions("wheel")).CreateHistogram<double>("lag");
        _wheel = new TimerWheel(_time, NullLogger.Instance, _tick, lag);
    }

    public void Dispose()
    {
        _wheel.Dispose();
        _metrics.Dispose();
    }

    [Fact]
    public void Lag_ManyNodesInATick_IsRecordedOncePerTick()
    {
        for (int i = 0; i < 1000; i++)
        {
            _wheel.Schedule(new TestNode(), TimeSpan.FromSeconds(1));
        }

        for (int i = 0; i < 10; i++)
        {
            _time.Advance(_tick);
        }

        Assert.Equal(1, _metrics.Count("lag"));
        Assert.Equal(0, LagMs());
    }

    [Fact]
    public void Lag_WokenLate_IsTheTimeSinceTheTickBegan()
    {
        _wheel.Schedule(new TestNode(), _tick);

        _time.Advance(_tick + TimeSpan.FromMilliseconds(30));

        Assert.Equal((1, 30), (_metrics.Count("lag"), LagMs()));
    }

    // Tick 1 is 230 ms late, tick 2 130, tick 3 30.
    [Fact]
    public void Lag_TicksWereMissed_IsRecordedForEach()
    {
        _wheel.Schedule(new TestNode(), _tick);
        _wheel.Schedule(new TestNode(), TimeSpan.FromMinutes(1));

        _time.Advance((3 * _tick) + TimeSpan.FromMilliseconds(30));

        Assert.Equal((3, 390), (_metrics.Count("lag"), LagMs()));
    }

    [Fact]
    public void Lag_Overrun_CountsWhatIsForgiven()
    {
        _wheel.Schedule(new TestNode(), _tick);
        _wheel.Schedule(new TestNode(), TimeSpan.FromMinutes(1));

        _time.Advance(TimeSpan.FromSeconds(30));

        Assert.Equal((1, 29_900), (_metrics.Count("lag"), LagMs()));
        _time.Advance(TimerWheel.LongestSleep * _tick);
        Assert.Equal((2, 29_900), (_metrics.Count("lag"), LagMs()));
    }

    [Fact]
    public void Lag_OverrunThatScheduleSawFirst_IsNotLost()
    {
        _wheel.Schedule(new TestNode(), _tick);
        _wheel.Schedule(new TestNode(), TimeSpan.FromMinutes(1));
        _time.AdvanceAsleep(TimeSpan.FromSeconds(30));
        _wheel.Schedule(new TestNode(), TimeSpan.FromMinutes(1));

        _time.Advance(TimeSpan.Zero);

        Assert.Equal((1, 29_900), (_metrics.Count("lag"), LagMs()));
    }

    [Fact]
    public void Lag_CallbackTakesLong_IsTheNextTicks()
    {
        _wheel.Schedule(new TestNode(_ => _time.AdvanceAsleep(TimeSpan.FromMilliseconds(250))), _tick);
        _wheel.Schedule(new TestNode(), TimeSpan.FromMinutes(1));

        _time.Advance(_tick);

        // Tick 1 on time; tick 2 and 3 behind the callback.
        Assert.Equal((3, 200), (_metrics.Count("lag"), LagMs()));
    }

    [Fact]
    public void Lag_StoppedMeanwhile_IsNotLateness()
    {
        _wheel.Schedule(new TestNode(), _tick);
        _time.Advance(_tick);
        _time.Advance(TimeSpan.FromHours(1));
        _wheel.Schedule(new TestNode(), _tick);

        _time.Advance(_tick);

        Assert.Equal((2, 0), (_metrics.Count("lag"), LagMs()));
    }

    private long LagMs() => (long)Math.Round(_metrics.Sum("lag") * 1000);
}
