using Microsoft.Extensions.Time.Testing;
using Weir.Brokers.Redis.Timing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Brokers.Redis.Tests;

/// <summary>Waits for others that count only the time in which this process could run.</summary>
public sealed class RunningTimeTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(8);

    private readonly CountingTime _time = new();

    [Fact]
    public async Task Wait_WhileTheProcessRuns_IsOverAfterTheLimit()
    {
        Task waiting = new RunningTime(_limit, _time).WaitAsync(new TaskCompletionSource().Task, default);

        await StepsAsync(waiting, 7, TimeSpan.FromSeconds(1));
        Assert.False(waiting.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));

        await Assert.ThrowsAsync<TimeoutException>(() => waiting).Within();
    }

    [Fact]
    public async Task Wait_WhileTheProcessIsStopped_CountsOneStep_AndTakesWhatHasArrived()
    {
        TaskCompletionSource answer = new();
        Task waiting = new RunningTime(_limit, _time).WaitAsync(answer.Task, default);
        await StepsAsync(waiting, 6, TimeSpan.FromMinutes(10)); // each was stopped for that long

        Assert.False(waiting.IsCompleted);
        answer.SetResult();

        await waiting.Within();
    }

    [Fact]
    public async Task Wait_WithProgress_GoesOn_ButNotForEver()
    {
        Task waiting = new RunningTime(_limit, _time).WaitAsync(new TaskCompletionSource().Task, static () => true, default);
        await StepsAsync(waiting, 20, TimeSpan.FromSeconds(1));
        Assert.False(waiting.IsCompleted);

        await Bounded.Eventually(() =>
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            return waiting.IsCompleted;
        });

        await Assert.ThrowsAsync<TimeoutException>(() => waiting);
    }

    [Fact]
    public async Task SeveralWaits_ShareTheTime()
    {
        RunningTime patience = new(_limit, _time);
        TaskCompletionSource first = new();
        Task waiting = patience.WaitAsync(first.Task, default);
        await StepsAsync(waiting, 5, TimeSpan.FromSeconds(1));
        first.SetException(new InvalidOperationException());
        await Assert.ThrowsAsync<InvalidOperationException>(() => waiting).Within();
        Assert.False(patience.IsOver);

        Task second = patience.WaitAsync(new TaskCompletionSource().Task, default);
        await StepsAsync(second, 3, TimeSpan.FromSeconds(1));

        await Assert.ThrowsAsync<TimeoutException>(() => second).Within();
        Assert.True(patience.IsOver);
    }

    // The next step begins where the end of the last one was seen, on another thread.
    private async Task StepsAsync(Task waiting, int steps, TimeSpan each)
    {
        for (int i = 0; i < steps; i++)
        {
            int timers = _time.Timers;
            _time.Advance(each);
            await Bounded.Eventually(() => _time.Timers > timers || waiting.IsCompleted);
        }
    }

    private sealed class CountingTime : FakeTimeProvider
    {
        private int _timers;

        public int Timers => Volatile.Read(ref _timers);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            ITimer timer = base.CreateTimer(callback, state, dueTime, period);
            Interlocked.Increment(ref _timers);
            return timer;
        }
    }
}
