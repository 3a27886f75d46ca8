using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Weir.Timing;
using Xunit;

namespace Weir.Core.Tests.Timing;

public sealed class TimerWheelTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly RecordingLogger _logger = new();
    private readonly TimerWheel _wheel;

    public TimerWheelTests() => _wheel = new TimerWheel(_time, _logger, TimerWheel.DefaultTick);

    public void Dispose() => _wheel.Dispose();

    [Theory]
    [InlineData(-1, 100)]
    [InlineData(0, 100)]
    [InlineData(1, 100)]
    [InlineData(99, 100)]
    [InlineData(100, 100)]
    [InlineData(101, 200)]
    [InlineData(25_500, 25_500)]
    [InlineData(25_600, 25_600)]
    [InlineData(25_700, 25_700)]
    [InlineData(30_001, 30_100)]
    [InlineData(6_553_600, 6_553_600)] // 65,536 ticks: the third level
    [InlineData(6_553_601, 6_553_700)]
    public void Schedule_OnTickBoundary_FiresAtFirstTickNotEarlier(int dueInMs, int expectedMs)
    {
        TestNode node = new();
        _wheel.Schedule(node, TimeSpan.FromMilliseconds(dueInMs));

        AdvanceTicks((expectedMs / 100) - 1);
        _time.Advance(TimeSpan.FromMilliseconds(99));
        Assert.Equal(0, node.Fired);
        Assert.True(node.IsScheduled);

        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(1, node.Fired);
        Assert.False(node.IsScheduled);
        Assert.Equal(0, _wheel.Count);
    }

    [Fact]
    public void Turn_NodesDueTogether_NotifiesEachBeforeItsCall()
    {
        List<string> seen = [];
        for (int i = 0; i < 5; i++)
        {
            string name = $"{i}";
            TestNode node = new(_ => seen.Add(name)) { OnFetchAhead = before => seen.Add($"{name} in {before}") };
            _wheel.Schedule(node, TimeSpan.FromSeconds(1));
        }

        AdvanceTicks(10);

        Assert.Equal(
            ["1 in 1", "2 in 2", "3 in 3", "0", "2 in 1", "3 in 2", "4 in 3", "1", "3 in 1", "4 in 2", "2", "4 in 1", "3", "4"], seen);
    }

    [Theory]
    [InlineData(99, 0, 100)]
    [InlineData(99, 1, 100)]
    [InlineData(99, 2, 200)]
    [InlineData(1, 99, 100)]
    [InlineData(1, 100, 200)]
    [InlineData(50, 1000, 1100)]
    public void Schedule_BetweenTicks_CountsFromNow(int nowMs, int dueInMs, int expectedMs)
    {
        _wheel.Schedule(new TestNode(), TimeSpan.FromDays(1)); // keeps the ticks where they began
        _time.Advance(TimeSpan.FromMilliseconds(nowMs));
        TestNode node = new();
        _wheel.Schedule(node, TimeSpan.FromMilliseconds(dueInMs));

        for (int ms = nowMs + 1; ms < expectedMs; ms++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(1));
        }

        Assert.Equal(0, node.Fired);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(1, node.Fired);
    }

    public static TheoryData<TimeSpan> VeryLongSpans =>
        new(TimeSpan.FromDays(7), TimeSpan.FromDays(49.8), TimeSpan.FromDays(36_500), TimeSpan.MaxValue);

    [Theory]
    [MemberData(nameof(VeryLongSpans))]
    public void Schedule_VeryLongSpan_Waits(TimeSpan dueIn)
    {
        TestNode node = new();
        _wheel.Schedule(node, dueIn);

        AdvanceTicks(70_000);

        Assert.Equal(0, node.Fired);
        Assert.True(_wheel.Cancel(node));
    }

    [Fact]
    public void Schedule_AlreadyScheduled_MovesInsteadOfFiringTwice()
    {
        TestNode later = new();
        TestNode sooner = new();
        _wheel.Schedule(later, TimeSpan.FromSeconds(1));
        _wheel.Schedule(sooner, TimeSpan.FromSeconds(60));

        _wheel.Schedule(later, TimeSpan.FromSeconds(40));
        _wheel.Schedule(sooner, TimeSpan.FromSeconds(2));

        Assert.Equal(2, _wheel.Count);
        AdvanceTicks(20);
        Assert.Equal((0, 1), (later.Fired, sooner.Fired));
        AdvanceTicks(380);
        Assert.Equal((1, 1), (later.Fired, sooner.Fired));
        AdvanceTicks(300);
        Assert.Equal((1, 1), (later.Fired, sooner.Fired));
    }

    [Fact]
    public void Schedule_FromInsideCallback_FiresAgainInTheNextTickAtTheEarliest()
    {
        TestNode node = new(n => _wheel.Schedule(n, TimeSpan.Zero));
        _wheel.Schedule(node, TimeSpan.Zero);

        AdvanceTicks(1);
        Assert.Equal(1, node.Fired);
        Assert.Equal(1, _wheel.Count);
        AdvanceTicks(9);
        Assert.Equal(10, node.Fired);
    }

    [Fact]
    public void Cancel_Scheduled_ReturnsTrueOnceAndItDoesNotFire()
    {
        TestNode node = new();
        _wheel.Schedule(node, TimeSpan.FromSeconds(1));

        Assert.True(_wheel.Cancel(node));
        Assert.False(_wheel.Cancel(node));
        Assert.False(node.IsScheduled);
        AdvanceTicks(20);
        Assert.Equal(0, node.Fired);
    }

    [Fact]
    public void Cancel_NeverScheduledFiredOrFiring_ReturnsFalse()
    {
        List<bool> results = [];
        TestNode node = new(n => results.Add(_wheel.Cancel(n)));
        results.Add(_wheel.Cancel(node));
        _wheel.Schedule(node, TimeSpan.Zero);
        AdvanceTicks(1);
        results.Add(_wheel.Cancel(node));

        Assert.Equal([false, false, false], results);
        Assert.Equal(1, node.Fired);
        Assert.Equal(0, _wheel.Count);
    }

    [Fact]
    public void Cancel_DueInTheSameTickButNotYetCalled_ReturnsTrueAndItDoesNotFire()
    {
        bool cancelled = false;
        TestNode second = new();
        TestNode first = new(_ => cancelled = second.IsScheduled && _wheel.Cancel(second));
        _wheel.Schedule(first, TimeSpan.FromSeconds(1));
        _wheel.Schedule(second, TimeSpan.FromSeconds(1));

        AdvanceTicks(20);

        Assert.True(cancelled);
        Assert.Equal((1, 0), (first.Fired, second.Fired));
    }

    [Fact]
    public void Schedule_DueInTheSameTickButNotYetCalled_MovesIt()
    {
        TestNode second = new();
        TestNode first = new(_ => _wheel.Schedule(second, TimeSpan.FromSeconds(1)));
        _wheel.Schedule(first, TimeSpan.FromSeconds(1));
        _wheel.Schedule(second, TimeSpan.FromSeconds(1));

        AdvanceTicks(19);
        Assert.Equal((1, 0), (first.Fired, second.Fired));
        AdvanceTicks(1);
        Assert.Equal((1, 1), (first.Fired, second.Fired));
    }

    [Fact]
    public void OnExpired_Throws_IsLoggedAndTheRestOfTheTickRuns()
    {
        InvalidOperationException fault = new("no");
        TestNode bad = new(_ => throw fault);
        TestNode sameTick = new();
        TestNode later = new();
        _wheel.Schedule(bad, TimeSpan.FromSeconds(1));
        _wheel.Schedule(sameTick, TimeSpan.FromSeconds(1));
        _wheel.Schedule(later, TimeSpan.FromSeconds(2));

        AdvanceTicks(20);

        Assert.Equal((1, 1, 1), (bad.Fired, sameTick.Fired, later.Fired));
        LogEntry entry = Assert.Single(_logger.Entries);
        Assert.Equal((LogLevel.Error, 401), (entry.Level, entry.EventId));
        Assert.Same(fault, entry.Exception);
        Assert.Contains(nameof(TestNode), entry.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Dispose_NodesScheduled_TheyNeverFireAndReleaseEachOther()
    {
        TestNode[] nodes = [new(), new(), new()];
        _wheel.Schedule(nodes[0], TimeSpan.Zero);
        _wheel.Schedule(nodes[1], TimeSpan.Zero);
        _wheel.Schedule(nodes[2], TimeSpan.FromDays(1));

        _wheel.Dispose();
        AdvanceTicks(10);

        Assert.All(nodes, node =>
        {
            Assert.Equal(0, node.Fired);
            Assert.False(node.IsScheduled);
            Assert.Null(node.Previous);
            Assert.False(_wheel.Cancel(node));
        });
        Assert.Equal(0, _wheel.Count);
    }

    [Fact]
    public void Dispose_FromInsideCallback_StopsTheRestOfTheTick()
    {
        TestNode second = new();
        TestNode first = new(_ => _wheel.Dispose());
        _wheel.Schedule(first, TimeSpan.Zero);
        _wheel.Schedule(second, TimeSpan.Zero);

        AdvanceTicks(2);

        Assert.Equal((1, 0), (first.Fired, second.Fired));
        _wheel.Dispose();
    }

    [Fact]
    public void Schedule_AfterDispose_DoesNothing()
    {
        _wheel.Dispose();
        TestNode node = new();

        _wheel.Schedule(node, TimeSpan.Zero);

        Assert.False(node.IsScheduled);
        Assert.Equal(0, _wheel.Count);
        AdvanceTicks(2);
        Assert.Equal(0, node.Fired);
    }

    [Fact]
    public void Constructor_TickOutOfRange_Throws()
    {
        TimeSpan[] refused = [TimeSpan.FromMicroseconds(999), TimeSpan.FromDays(2)];

        Assert.All(refused, tick =>
            Assert.Throws<ArgumentOutOfRangeException>(() => new TimerWheel(_time, _logger, tick)));
    }

    [Fact]
    public void Constructor_FlowAlreadySuppressed_Works()
    {
        using AsyncFlowControl flow = ExecutionContext.SuppressFlow();
        using TimerWheel wheel = new(_time, _logger, TimerWheel.DefaultTick);
        Assert.True(ExecutionContext.IsFlowSuppressed());
    }

    [Fact]
    public async Task OnExpired_SystemTime_RunsOutsideTheCreatorsContextAndNotEarly()
    {
        AsyncLocal<string> ambient = new() { Value = "creator's" };
        using TimerWheel wheel = new(TimeProvider.System, _logger, TimeSpan.FromMilliseconds(10));
        TaskCompletionSource<(string?, long)> fired = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TestNode node = new(_ => fired.TrySetResult((ambient.Value, TimeProvider.System.GetTimestamp())));

        long start = TimeProvider.System.GetTimestamp();
        wheel.Schedule(node, TimeSpan.FromMilliseconds(35));
        (string? seen, long at) = await fired.Task.WaitAsync(TimeSpan.FromSeconds(30));

        Assert.Null(seen);
        Assert.True(TimeProvider.System.GetElapsedTime(start, at) >= TimeSpan.FromMilliseconds(35));
    }

    private void AdvanceTicks(int ticks)
    {
        for (int i = 0; i < ticks; i++)
        {
            _time.Advance(TimerWheel.DefaultTick);
        }
    }
}
