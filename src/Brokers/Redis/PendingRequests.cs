using Weir.Relay.Brokers;
using Weir.Timing;

namespace Weir.Brokers.Redis;

/// <summary>
/// Requests in flight to Redis, with a timeout in time during which this process ran: answers that arrived while it was stopped or
/// starved are read before a request fails. The library's own timeout is by the clock and does not wait for them. Thread-safe.
/// </summary>
/// <param name="limit">The timeout of a request, which fails at most an eighth of it later.</param>
/// <param name="time">The clock.</param>
/// <param name="onExpired">Called for each request that failed here, before its caller sees it; <c>null</c>: no call.</param>
internal sealed class PendingRequests(TimeSpan limit, TimeProvider time, Action? onExpired = null) : IDisposable
{
    private readonly RunningTimeouts _timeouts = new(limit, time);

    /// <summary>Begins the timeout of a request; <see cref="TryRemove"/> must follow once.</summary>
    public Request<T> Add<T>()
    {
        Request<T> request = new(this);
        _timeouts.Add(request);
        return request;
    }

    /// <summary>Ends the timeout; returns <c>false</c> if the request has failed before.</summary>
    public bool TryRemove(RunningTimeoutEntry request) => _timeouts.TryRemove(request);

    /// <summary>Ends all timeouts. The connection fails the requests in flight when it ends.</summary>
    public void Dispose() => _timeouts.Dispose();

    /// <summary>One request; its first result counts.</summary>
    internal sealed class Request<T>(PendingRequests requests) : RunningTimeoutEntry
    {
        // Continuations run where the reply was read.
        private readonly TaskCompletionSource<T> _result = new();

        public Task<T> Task => _result.Task;

        public void Complete(T answer) => _result.TrySetResult(answer);

        public void Fail(Exception error) => _result.TrySetException(error);

        protected override void OnElapsed() => requests.Expire(this);
    }

    private void Expire<T>(Request<T> request)
    {
        onExpired?.Invoke();
        request.Fail(new BrokerUnavailableException($"Redis has not answered for {limit}.", isUnknown: true));
    }
}
