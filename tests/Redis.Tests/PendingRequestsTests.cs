using Microsoft.Extensions.Time.Testing;
using Weir.Brokers.Redis;
using Weir.Relay;
using Weir.TestSupport;
using Xunit;

namespace Weir.Redis.Tests;

/// <summary>Time-outs of requests, which count only the time in which this process could run.</summary>
public sealed class PendingRequestsTests : IDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan _step = TimeSpan.FromSeconds(1);

    private readonly FakeTimeProvider _time = new();
    private readonly PendingRequests _requests;

    public PendingRequestsTests() => _requests = new PendingRequests(_limit, _time);

    public void Dispose() => _requests.Dispose();

    [Fact]
    public async Task Request_WithoutAnswer_FailsAfterTheLimit_AsUnknown()
    {
        PendingRequests.Request<int> request = _requests.Add<int>();

        Run(8);
        Assert.False(request.Task.IsCompleted);
        Run(1);

        BrokerUnavailableException failure = await Assert.ThrowsAsync<BrokerUnavailableException>(() => request.Task).Within();
        Assert.True(failure.IsUnknown);
        Assert.False(_requests.TryRemove(request)); // its answer comes after all
        request.Complete(1);
    }

    [Fact]
    public async Task Request_WhileTheProcessIsStopped_IsNotJudged_AndTakesTheAnswerThatHasArrived()
    {
        PendingRequests.Request<int> request = _requests.Add<int>();
        Run(7);

        Pause(TimeSpan.FromHours(10));
        Assert.False(request.Task.IsCompleted);
        _requests.TryRemove(request);
        request.Complete(1);

        Assert.Equal(1, await request.Task.Within());
        Run(100);
    }

    [Fact]
    public async Task Requests_ThatBeganAtDifferentTimes_FailEachInItsTime()
    {
        PendingRequests.Request<int> first = _requests.Add<int>();
        Run(4);
        PendingRequests.Request<int> answered = _requests.Add<int>();
        PendingRequests.Request<int> last = _requests.Add<int>();
        _requests.TryRemove(answered);

        Run(5);
        Assert.Equal((true, false, false), (first.Task.IsFaulted, answered.Task.IsCompleted, last.Task.IsCompleted));
        Run(4);

        await Assert.ThrowsAsync<BrokerUnavailableException>(() => last.Task).Within();
        Assert.False(answered.Task.IsCompleted);
    }

    [Fact]
    public async Task Request_AfterAQuietTime_HasAllOfItsTime()
    {
        PendingRequests.Request<int> former = _requests.Add<int>();
        _requests.TryRemove(former);
        Run(20); // the timer rests after the first

        PendingRequests.Request<int> request = _requests.Add<int>();
        Run(8);
        Assert.False(request.Task.IsCompleted);
        Run(1);

        await Assert.ThrowsAsync<BrokerUnavailableException>(() => request.Task).Within();
    }

    private void Run(int steps)
    {
        for (int i = 0; i < steps; i++)
        {
            _time.Advance(_step);
        }
    }

    // The timer of a process that was stopped is called once, however often it was due.
    private void Pause(TimeSpan time)
    {
        _time.AutoAdvanceAmount = TimeSpan.Zero;
        _time.AdjustTime(_time.GetUtcNow() + time);
        _time.Advance(_step);
    }
}
