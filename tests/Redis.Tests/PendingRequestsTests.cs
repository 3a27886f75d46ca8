using Microsoft.Extensions.Time.Testing;
using Weir.Brokers.Redis;
using Weir.Relay.Brokers;
using Weir.Testing;
using Xunit;

namespace Weir.Redis.Tests;

/// <summary>Time-outs of requests, which count only the time in which this process could run.</summary>
public sealed class PendingRequestsTests : IDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(8);

    private readonly FakeTimeProvider _time = new();
    private readonly PendingRequests _requests;

    public PendingRequestsTests() => _requests = new PendingRequests(_limit, _time);

    public void Dispose() => _requests.Dispose();

    [Fact]
    public async Task Request_WithoutAnswer_FailsAfterTheLimit_AsUnknown()
    {
        PendingRequests.Request<int> request = _requests.Add<int>();

        _time.Pass(_limit * 0.9);
        Assert.False(request.Task.IsCompleted);
        _time.Pass(_limit * 0.2);

        BrokerUnavailableException failure = await Assert.ThrowsAsync<BrokerUnavailableException>(() => request.Task).Within();
        Assert.True(failure.IsUnknown);
        Assert.False(_requests.TryRemove(request)); // its answer comes after all
        request.Complete(1);
    }

    [Theory]
    [InlineData(0.1)]
    [InlineData(0.99)]
    public async Task Request_WhileTheProcessIsStopped_DoesNotTimeOut_AndTakesTheAnswerThatHasArrived(double waited)
    {
        PendingRequests.Request<int> request = _requests.Add<int>();
        _time.Pass(_limit * waited);

        _time.Advance(TimeSpan.FromHours(10));
        Assert.False(request.Task.IsCompleted);
        Assert.True(_requests.TryRemove(request));
        request.Complete(1);

        Assert.Equal(1, await request.Task.Within());
        _time.Pass(_limit * 10);
    }

    [Fact]
    public async Task Requests_ThatBeganAtDifferentTimes_FailEachInItsTime()
    {
        PendingRequests.Request<int> first = _requests.Add<int>();
        _time.Pass(_limit / 2);
        PendingRequests.Request<int> answered = _requests.Add<int>();
        PendingRequests.Request<int> last = _requests.Add<int>();
        _requests.TryRemove(answered);

        _time.Pass(_limit * 0.6);
        Assert.Equal((true, false, false), (first.Task.IsFaulted, answered.Task.IsCompleted, last.Task.IsCompleted));
        _time.Pass(_limit * 0.6);

        await Assert.ThrowsAsync<BrokerUnavailableException>(() => last.Task).Within();
        Assert.False(answered.Task.IsCompleted);
    }
}
