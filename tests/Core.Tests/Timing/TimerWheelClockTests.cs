using Microsoft.Extensions.Logging;
using Weir.Timing;
using Xunit;

namespace Weir.Core.Tests.Timing;

/// <summary>Stopping and restarting, late ticks, and the coarse clock meanwhile.</summary>
public sealed class TimerWheelClockTests : IDisposable
{
    private static readonly TimeSpan _tick = TimerWheel.DefaultTick;

    private readonly ManualTimeProvider _time = new();
    private readonly RecordingLogger _logger = new();
    private readonly List<string> _fired = [];
    private readonly TimerWheel _wheel;

    public TimerWheelClockTests() => _wheel = new TimerWheel(_time, _logger, _tick);

    public void Dispose() => _wheel.Dispose();

    [Fact]
    public void Idle_NothingScheduled_TimerIsNotArmed()
    {
        Assert.Null(_time.DueIn);
        _wheel.Schedule(new TestNode(), _tick);
        Assert.NotNull(_time.DueIn);

        _time.Advance(_tick);

        Assert.Null(_time.DueIn);
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(1, _time.Wakeups);
    }

    [Fact]
    public void Idle_LastNodeCancelled_StopsWhenItWakes()
    {
        TestNode node = new();
        _wheel.Schedule(node, TimeSpan.FromSeconds(30));
        _wheel.Cancel(node);

        _time.Advance(TimerWheel.LongestSleep * _tick);

        Assert.Equal(1, _time.Wakeups);
        Assert.Null(_time.DueIn);
    }

    [Fact]
    public void Schedule_BeforeTheStopAfterCancel_KeepsTheOneTimerRunning()
    {
        TestNode node = new();
        _wheel.Schedule(node, _tick);
        _wheel.Cancel(node);
        _wheel.Schedule(node, _tick);

        Assert.Equal(1, _time.Armed);
        _time.Advance(_tick);
        Assert.Equal(1, node.Fired);
    }

    [Fact]
    public void Sleep_NothingIsDue_WakesOnlyNowAndThenAndForTheNode()
    {
        TestNode node = new();
        _wheel.Schedule(node, 25 * _tick);

        AdvanceTicks(24);
        Assert.Equal((2, 0), (_time.Wakeups, node.Fired));
        AdvanceTicks(1);

        Assert.Equal((3, 1), (_time.Wakeups, node.Fired));
    }

    [Fact]
    public void Schedule_SoonerThanTheSleepEnds_WakesForIt()
    {
        ScheduleNamed("later", 900);
        AdvanceTicks(3);
        ScheduleNamed("sooner", 200);

        Assert.Equal(2 * _tick, _time.DueIn);
        AdvanceTicks(6);

        Assert.Equal(["sooner@5", "later@9"], _fired);
    }

    [Fact]
    public void Schedule_LaterThanTheSleepEnds_LeavesTheTimerAlone()
    {
        ScheduleNamed("sooner", 200);
        ScheduleNamed("later", 900);

        Assert.Equal(1, _time.Armed);
    }

    [Theory]
    [InlineData(25, 25)]
    [InlineData(4, 4)]
    [InlineData(3, 4)] // has passed: the next one
    [InlineData(-1, 4)]
    public void ScheduleAt_FiresWhenTheClockReachesTheTick(int tick, int firesAt)
    {
        ScheduleNamed("keeps it running", 60_000);
        AdvanceTicks(3);
        List<long> fired = [];
        _wheel.ScheduleAt(new TestNode(_ => fired.Add(_wheel.CurrentTick)), tick);

        AdvanceTicks(30);

        Assert.Equal([firesAt], fired);
    }

    [Fact]
    public void ScheduleAt_AfterALongStop_CountsTheStop()
    {
        _time.Advance(TimeSpan.FromMinutes(10));
        TestNode node = new();
        _wheel.ScheduleAt(node, _wheel.CurrentTick + 2);

        AdvanceTicks(1);
        Assert.Equal(0, node.Fired);
        AdvanceTicks(1);

        Assert.Equal(1, node.Fired);
        Assert.Empty(_logger.Entries);
    }

    [Fact]
    public void ScheduleAt_StoppedForLong_TheTickHasPassed_FiresAtTheNext()
    {
        TestNode node = new();
        _time.Advance(TimeSpan.FromMinutes(10));

        _wheel.ScheduleAt(node, 5);

        Assert.Equal(_tick, _time.DueIn);
        AdvanceTicks(1);
        Assert.Equal(1, node.Fired);
    }

    [Fact]
    public void Turn_TimerCallsDuringIt_ReturnsAtOnce()
    {
        bool isInside = false;
        TestNode other = new(_ => Assert.False(isInside));
        _wheel.Schedule(new TestNode(_ =>
        {
            isInside = true;
            _time.CallTimer();
            isInside = false;
        }), _tick);
        _wheel.Schedule(other, _tick);

        _time.Advance(_tick);

        Assert.Equal(1, other.Fired);
        Assert.Empty(_logger.Entries);
    }

    [Fact]
    public void Schedule_AfterLongStop_RestartsInStepAndIsNotAnOverrun()
    {
        _wheel.Schedule(new TestNode(), _tick);
        _time.Advance(_tick);
        _time.Advance(TimeSpan.FromMinutes(10) + TimeSpan.FromMilliseconds(30));

        TestNode node = new();
        _wheel.Schedule(node, TimeSpan.FromMilliseconds(170));

        Assert.Equal(TimeSpan.FromMilliseconds(170), _time.DueIn);
        _time.Advance(TimeSpan.FromMilliseconds(169));
        Assert.Equal(0, node.Fired);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(1, node.Fired);
        Assert.Empty(_logger.Entries);
    }

    [Fact]
    public void CurrentTick_AcrossStop_CountsElapsedTime()
    {
        _wheel.Schedule(new TestNode(), _tick);
        _time.Advance(_tick);
        long before = _wheel.CurrentTick;

        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(600, _wheel.CurrentTick - before);

        _wheel.Schedule(new TestNode(), _tick);
        _time.Advance(_tick);
        Assert.Equal(601, _wheel.CurrentTick - before);
        Assert.Empty(_logger.Entries);
    }

    [Fact]
    public void CurrentTick_WhileRunning_MovesOncePerTick()
    {
        _wheel.Schedule(new TestNode(), TimeSpan.FromDays(1));
        long start = _wheel.CurrentTick;

        for (int ms = 1; ms <= 1000; ms++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(1));
            Assert.Equal(start + (ms / 100), _wheel.CurrentTick);
        }

        Assert.Equal(1, _time.Wakeups);
    }

    [Fact]
    public void Turn_WokenEarly_WaitsForTheRestOfTheTick()
    {
        TestNode node = new();
        _wheel.Schedule(node, _tick);
        _time.Early = TimeSpan.FromMilliseconds(3);

        _time.Advance(TimeSpan.FromMilliseconds(98));
        Assert.Equal((1, 0), (_time.Wakeups, node.Fired));
        Assert.Equal(TimeSpan.FromMilliseconds(2), _time.DueIn);

        _time.Early = TimeSpan.Zero;
        _time.Advance(TimeSpan.FromMilliseconds(2));
        Assert.Equal(1, node.Fired);
    }

    [Fact]
    public void Turn_LateWithinTheCatchUp_RunsMissedTicksInDueOrder()
    {
        ScheduleNamed("c", 500);
        ScheduleNamed("a", 100);
        ScheduleNamed("d", 600);
        ScheduleNamed("b", 300);

        _time.Advance(TimerWheel.MaxCatchUpTicks * _tick);

        Assert.Equal(["a@5", "b@5", "c@5"], _fired);
        Assert.Equal(1, _time.Wakeups);
        Assert.Empty(_logger.Entries);
        _time.Advance(_tick);
        Assert.Equal("d@6", _fired[^1]);
    }

    [Fact]
    public void Turn_Overrun_CountsAsOneTickAndContinuesInDueOrder()
    {
        ScheduleNamed("c", 5000);
        ScheduleNamed("a", 100);
        ScheduleNamed("b", 300);

        _time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(["a@1"], _fired);

        AdvanceTicks(48);
        Assert.Equal(["a@1", "b@3"], _fired);
        AdvanceTicks(1);
        Assert.Equal(["a@1", "b@3", "c@50"], _fired);
    }

    [Fact]
    public void Turn_Overrun_IsLoggedOnceAsWarning()
    {
        ScheduleNamed("a", 60_000);

        _time.Advance(TimeSpan.FromSeconds(30));
        AdvanceTicks(20);

        LogEntry entry = Assert.Single(_logger.Entries);
        Assert.Equal((LogLevel.Warning, 400), (entry.Level, entry.EventId));
        Assert.Contains("29000 ms", entry.Message, StringComparison.Ordinal); // one second of it was meant to be slept through

        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(2, _logger.Entries.Length);
    }

    [Fact]
    public void CurrentTick_Overrun_AgesNoNodeBeyondTheSleep()
    {
        ScheduleNamed("a", 60_000);
        long before = _wheel.CurrentTick;

        _time.Advance(TimeSpan.FromSeconds(30));

        Assert.Equal(TimerWheel.LongestSleep, _wheel.CurrentTick - before);
    }

    [Fact]
    public void Schedule_AfterAPauseTheTurnHasNotSeen_CountsFromRealNow()
    {
        ScheduleNamed("before", 3000);
        _time.AdvanceAsleep(TimeSpan.FromSeconds(30));
        ScheduleNamed("after", 1000);
        Assert.Single(_logger.Entries);

        _time.Advance(TimeSpan.Zero);
        AdvanceTicks(9);
        Assert.Empty(_fired);
        AdvanceTicks(1);
        Assert.Equal(["after@20"], _fired);
        AdvanceTicks(10);
        Assert.Equal(["after@20", "before@30"], _fired);
        Assert.Single(_logger.Entries);
    }

    // The pause hits between reading the clock and taking the lock, and the turn is the first to detect it.
    [Fact]
    public void Schedule_PausedAfterReadingTheClock_CountsFromTheCurrentTick()
    {
        ScheduleNamed("before", 60_000);
        _time.AfterReading = () => _time.Advance(TimeSpan.FromSeconds(30));

        ScheduleNamed("after", 1000);

        Assert.Equal(TimerWheel.LongestSleep, _wheel.CurrentTick);
        AdvanceTicks(9);
        Assert.Empty(_fired);
        AdvanceTicks(1);
        Assert.Equal(["after@20"], _fired);
    }

    [Fact]
    public void CurrentTick_StoppedAndReadingTheClockIsOvertaken_DoesNotGoBack()
    {
        _time.Advance(TimeSpan.FromSeconds(1));
        long newer = 0;
        _time.AfterReading = () =>
        {
            _time.AdvanceAsleep(TimeSpan.FromSeconds(1));
            newer = _wheel.CurrentTick;
        };

        Assert.Equal(20, _wheel.CurrentTick);
        Assert.Equal(20, newer);
    }

    [Fact]
    public void OnExpired_TakesVeryLong_IsAnOverrunForTheOthersToo()
    {
        TestNode slow = new(_ => _time.AdvanceAsleep(TimeSpan.FromSeconds(10)));
        _wheel.Schedule(slow, _tick);
        ScheduleNamed("pong deadline", 5000);

        _time.Advance(_tick);
        Assert.Empty(_fired);
        Assert.Equal(2, _wheel.CurrentTick);
        AdvanceTicks(47);
        Assert.Empty(_fired);
        AdvanceTicks(1);

        Assert.Equal(["pong deadline@50"], _fired);
        Assert.Single(_logger.Entries);
    }

    private void ScheduleNamed(string name, int dueInMs) => _wheel.Schedule(
        new TestNode(_ => _fired.Add($"{name}@{_wheel.CurrentTick}")), TimeSpan.FromMilliseconds(dueInMs));

    private void AdvanceTicks(int ticks)
    {
        for (int i = 0; i < ticks; i++)
        {
            _time.Advance(_tick);
        }
    }
}
