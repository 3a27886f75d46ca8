using Microsoft.Extensions.Logging.Abstractions;
using Weir.Timing;
using Xunit;

namespace Weir.Core.Tests.Timing;

/// <summary>A wheel on a thread that serves connections as well.</summary>
public sealed class TimerWheelGivingWayTests : IDisposable
{
    private const int Few = TimerWheel.CallsAtOnce;
    private static readonly TimeSpan _tick = TimerWheel.DefaultTick;

    private readonly ManualTimeProvider _time = new();
    private readonly TimerWheel _wheel;
    private readonly List<int> _fired = [];
    private readonly TestNode[] _nodes;

    public TimerWheelGivingWayTests()
    {
        _wheel = new TimerWheel(_time.OfALoop(), NullLogger.Instance, _tick);
        _nodes = [.. Enumerable.Range(0, (2 * Few) + 1).Select(i => new TestNode(_ => _fired.Add(i)))];
        Array.ForEach(_nodes, node => _wheel.Schedule(node, _tick));
    }

    public void Dispose() => _wheel.Dispose();

    [Fact]
    public void ManyNodesInATick_AreCalledAFewAtATime_InTheirOrder()
    {
        _time.Advance(_tick);
        Assert.Equal(Few, _fired.Count);
        Assert.Equal(TimeSpan.Zero, _time.DueIn);

        _time.Advance(TimeSpan.Zero);
        Assert.Equal(2 * Few, _fired.Count);

        _time.Advance(TimeSpan.Zero);
        Assert.Equal(Enumerable.Range(0, _nodes.Length), _fired);
        Assert.Null(_time.DueIn);
        Assert.Equal(3, _time.Wakeups);
    }

    [Fact]
    public void AsManyAsAreCalledAtOnce_AreOneTurn()
    {
        _wheel.Cancel(_nodes[^1]);
        Array.ForEach(_nodes[..Few], node => _wheel.Cancel(node));

        _time.Advance(_tick);

        Assert.Equal(Few, _fired.Count);
        Assert.Null(_time.DueIn);
    }

    [Fact]
    public void MeanwhileOneIsCancelledAndOneMoved_TheyAreNotCalled()
    {
        _time.Advance(_tick);

        Assert.True(_wheel.Cancel(_nodes[^1]));
        _wheel.Schedule(_nodes[^2], _tick);
        _time.Advance(TimeSpan.Zero);
        Assert.DoesNotContain(_nodes.Length - 2, _fired);
        _time.Advance(_tick);

        Assert.Equal([.. Enumerable.Range(0, _nodes.Length - 2), _nodes.Length - 2], _fired);
    }

    // Serving took so long that the next tick has begun: the clock is right, and what is due now comes behind what was.
    [Fact]
    public void MeanwhileATickBegins_TheClockContinues_AndItsNodesAreCalledBehindTheOthers()
    {
        int next = _nodes.Length;
        _wheel.Schedule(new TestNode(_ => _fired.Add(next)), 2 * _tick);
        _time.Advance(_tick);

        _time.Advance(_tick);
        Assert.Equal((2 * Few, 2), (_fired.Count, _wheel.CurrentTick));
        _time.Advance(TimeSpan.Zero);

        Assert.Equal(Enumerable.Range(0, next + 1), _fired);
    }

    [Fact]
    public void MeanwhileDisposed_NoNodeIsCalled()
    {
        _time.Advance(_tick);
        _wheel.Dispose();

        _time.CallTimer();

        Assert.Equal(Few, _fired.Count);
        Assert.All(_nodes, node => Assert.False(node.IsScheduled));
    }
}
