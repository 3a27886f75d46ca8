using Microsoft.Extensions.Time.Testing;
using Weir.Testing;
using Weir.Timing;
using Xunit;

namespace Weir.Core.Tests.Timing;

/// <summary>Timeouts for others that count only the time in which this process could run. A long step of the clock is a pause.</summary>
public sealed class RunningTimeoutTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan _second = TimeSpan.FromSeconds(1);

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task Wait_WhileTheProcessRuns_IsOverAfterTheLimit()
    {
        using RunningTimeout timeout = new(_limit, _time);
        Task waiting = timeout.WaitAsync(new TaskCompletionSource().Task, default);

        _time.Pass(_limit - _second);
        Assert.False(waiting.IsCompleted);
        _time.Pass(_second);

        await Assert.ThrowsAsync<TimeoutException>(() => waiting).Within();
        Assert.True(timeout.HasElapsed);
    }

    // The pause may be in any step; in the last one, too, what has arrived meanwhile is read first.
    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(7)]
    public async Task Wait_WhileTheProcessIsPaused_IsNotOver_AndTakesWhatHasArrived(int step)
    {
        using RunningTimeout timeout = new(_limit, _time);
        TaskCompletionSource answer = new();
        Task waiting = timeout.WaitAsync(answer.Task, default);
        for (int i = 0; i < step; i++)
        {
            _time.Pass(_second);
        }

        _time.Advance(TimeSpan.FromHours(10));
        Assert.False(timeout.HasElapsed);
        answer.SetResult();

        await waiting.Within();
    }

    [Fact]
    public void Timeout_AfterAPause_HasTheStepsThatWereLeft()
    {
        using RunningTimeout timeout = new(_limit, _time);
        _time.Pass(_second * 3);
        _time.Advance(TimeSpan.FromHours(10)); // the fourth, which is not counted

        _time.Pass(_second * 4.9);
        Assert.False(timeout.HasElapsed);
        _time.Pass(_second * 0.2);
        Assert.True(timeout.HasElapsed);
    }

    [Fact]
    public void Timeout_OfAProcessThatIsAlwaysLate_ElapsesInTwiceTheSteps()
    {
        using RunningTimeout timeout = new(_limit, _time);
        for (int i = 0; i < (2 * RunningTimeouts.Steps) - 1; i++)
        {
            _time.Advance(_second * 3);
        }

        Assert.False(timeout.HasElapsed);
        _time.Advance(_second * 3);
        Assert.True(timeout.HasElapsed);
    }

    [Fact]
    public async Task Wait_WithProgress_Continues_ButNotForEver()
    {
        using RunningTimeout timeout = new(_limit, _time, static () => true);
        Task waiting = timeout.WaitAsync(new TaskCompletionSource().Task, default);
        _time.Pass(_limit);
        _time.Pass(_limit);
        Assert.False(waiting.IsCompleted);

        for (int i = 0; i < 7; i++)
        {
            _time.Pass(_limit);
        }

        await Assert.ThrowsAsync<TimeoutException>(() => waiting).Within();
    }

    [Fact]
    public async Task SeveralWaits_ShareTheTime()
    {
        using RunningTimeout timeout = new(_limit, _time);
        TaskCompletionSource first = new();
        Task waiting = timeout.WaitAsync(first.Task, default);
        _time.Pass(_second * 5);
        first.SetException(new InvalidOperationException());
        await Assert.ThrowsAsync<InvalidOperationException>(() => waiting).Within();
        Assert.False(timeout.HasElapsed);

        Task second = timeout.WaitAsync(new TaskCompletionSource().Task, default);
        _time.Pass(_second * 3);

        await Assert.ThrowsAsync<TimeoutException>(() => second).Within();
    }

    [Fact]
    public async Task Wait_ThatIsCancelled_Ends()
    {
        using RunningTimeout timeout = new(_limit, _time);
        using CancellationTokenSource stop = new();
        Task waiting = timeout.WaitAsync(new TaskCompletionSource().Task, stop.Token);

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting).Within();
    }

    [Fact]
    public void Timeouts_ThatBeganAtDifferentTimes_ElapseEachInItsTime_OnOneTimer()
    {
        using RunningTimeouts timeouts = new(_limit, _time);
        using RunningTimeout first = new(timeouts);
        _time.Pass(_second * 4);
        using RunningTimeout last = new(timeouts);
        RunningTimeout ended = new(timeouts);
        ended.Dispose();

        _time.Pass(_second * 4);
        Assert.Equal((true, false, false), (first.HasElapsed, last.HasElapsed, ended.HasElapsed));
        _time.Pass(_second * 5); // at most a step late
        Assert.Equal((true, false), (last.HasElapsed, ended.HasElapsed));
    }

    [Fact]
    public void Timeout_AfterATimeWithoutAny_HasAllOfItsTime()
    {
        using RunningTimeouts timeouts = new(_limit, _time);
        using (new RunningTimeout(timeouts))
        {
            _time.Pass(_second);
        }

        _time.Advance(TimeSpan.FromHours(1));
        _time.Advance(TimeSpan.FromHours(1)); // the timer rests
        using RunningTimeout timeout = new(timeouts);
        _time.Pass(_second * 7.9);
        Assert.False(timeout.HasElapsed);
        _time.Pass(_second * 0.2);

        Assert.True(timeout.HasElapsed);
    }
}
