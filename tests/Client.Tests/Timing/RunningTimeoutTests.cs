using Microsoft.Extensions.Time.Testing;
using Weir.Client.Timing;
using Weir.Testing;
using Xunit;

namespace Weir.Client.Tests.Timing;

/// <summary>Time in which the process did not run does not count. A long step of the clock is such a time.</summary>
public sealed class RunningTimeoutTests : IDisposable
{
    private static readonly TimeSpan _second = TimeSpan.FromSeconds(1);

    private readonly FakeTimeProvider _time = new();
    private readonly RunningTimeout _timeout;
    private TimeSpan _idleFor = TimeSpan.MaxValue;
    private int _over;

    public RunningTimeoutTests() => _timeout = new RunningTimeout(_time, () => _over++, () => _idleFor);

    public void Dispose() => _timeout.Dispose();

    [Fact]
    public void Limit_IsOverWhenItHasPassed_NotBefore_AndOnce()
    {
        _timeout.Begin(_second * 40);

        _time.Pass(_second * 39.9);
        Assert.Equal(0, _over);
        _time.Pass(_second * 2); // each quarter may be late by a step
        Assert.Equal(1, _over);
        _time.Pass(_second * 400);
        Assert.Equal(1, _over);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(25)]
    [InlineData(39.9)]
    public void Pause_CountsForNoMoreThanAQuarter_AndWhatArrivedIsReadFirst(double seconds)
    {
        _timeout.Begin(_second * 40);
        _time.Pass(_second * seconds);

        _time.Advance(TimeSpan.FromHours(10));

        Assert.Equal(0, _over);
        _time.Pass(_second * 9.9);
        Assert.Equal(0, _over);
        _time.Pass(_second * 40); // at the latest
        Assert.Equal(1, _over);
    }

    // Shorter than a quarter, and so long that an answer may have arrived meanwhile.
    [Theory]
    [InlineData(1)]
    [InlineData(9)]
    public void ShortPause_InTheLastQuarter_IsFollowedByOneMore(int seconds)
    {
        _timeout.Begin(_second * 40);
        _time.Pass(_second * 39.9);

        _time.Advance(_second * seconds);

        Assert.Equal(0, _over);
        _time.Pass(_second * 11);
        Assert.Equal(1, _over);
    }

    [Fact]
    public void SignsOfLife_PutItOff_FromWhenTheyCame()
    {
        _timeout.Begin(_second * 40);
        _time.Pass(_second * 35);
        _idleFor = _second * 3; // looked at after 40 s

        _time.Pass(_second * 7);
        Assert.Equal(0, _over);
        _idleFor = TimeSpan.MaxValue;
        _time.Pass(_second * 34);
        Assert.Equal(0, _over);
        _time.Pass(_second * 6);
        Assert.Equal(1, _over);
    }

    [Theory]
    [InlineData(60)]
    [InlineData(400)]
    public void Limit_BeyondWhatATimerTakes_IsKept(int days)
    {
        _timeout.Begin(TimeSpan.FromDays(days));

        for (int n = 1; n < days; n++)
        {
            _time.Advance(TimeSpan.FromDays(1));
        }

        Assert.Equal(0, _over);
        _time.Advance(TimeSpan.FromDays(1));
        _time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(1, _over);
    }

    [Fact]
    public void Infinite_IsNeverOver_AndTheLongestSpanIsTaken()
    {
        foreach (TimeSpan limit in new[] { Timeout.InfiniteTimeSpan, TimeSpan.MaxValue })
        {
            _timeout.Begin(limit);
            for (int n = 0; n < 1000; n++)
            {
                _time.Advance(TimeSpan.FromDays(10));
            }

            Assert.Equal(0, _over);
        }
    }

    [Fact]
    public void Stop_IsTheEndOfIt()
    {
        _timeout.Begin(_second);
        _timeout.Stop();

        _time.Pass(_second * 100);

        Assert.Equal(0, _over);
    }

    [Fact]
    public async Task Delay_BeyondWhatATimerTakes_IsKept()
    {
        Task delay = _time.DelayAsync(TimeSpan.FromDays(120), CancellationToken.None);

        for (int n = 0; n < 119; n++)
        {
            _time.Advance(TimeSpan.FromDays(1));
            await Task.Yield();
        }

        Assert.False(delay.IsCompleted);
        await Bounded.Eventually(() =>
        {
            _time.Advance(TimeSpan.FromDays(1)); // a piece begins a moment after the one before it
            return delay.IsCompleted;
        });
    }

    [Fact]
    public async Task Delay_ThatIsInfinite_EndsWithItsToken()
    {
        using CancellationTokenSource stop = new();
        Task delay = _time.DelayAsync(Timeout.InfiniteTimeSpan, stop.Token);
        _time.Advance(TimeSpan.FromDays(1000));
        Assert.False(delay.IsCompleted);

        await stop.CancelAsync();

        await delay.Within();
    }
}
