using Weir.Relay;

namespace Weir.Brokers.Redis;

/// <summary>
/// Requests in flight to Redis, with a timeout in time during which this process ran: one timer counts the limit in steps, and a
/// step counts for its length, however late its end is seen. So answers that arrived while the process was stopped or starved are
/// read before a request fails. The library's own timeout is by the clock and does not wait for them. Thread-safe.
/// </summary>
internal sealed class PendingRequests : IDisposable
{
    private const int Steps = 8;

    private readonly TimeSpan _limit;
    private readonly TimeSpan _step;
    private readonly Action? _onExpired;
    private readonly Lock _gate = new();
    private readonly ITimer _timer;
    private Entry? _oldest;
    private Entry? _newest;
    private long _now; // in steps
    private bool _isTicking;

    /// <param name="limit">The timeout of a request, which fails at most an eighth of it later.</param>
    /// <param name="time">The clock of the steps.</param>
    /// <param name="onExpired">Called for each request that failed here, before its caller sees it; <c>null</c>: no call.</param>
    public PendingRequests(TimeSpan limit, TimeProvider time, Action? onExpired = null)
    {
        _limit = limit;
        _onExpired = onExpired;
        _step = TimeSpan.FromTicks(Math.Max(limit.Ticks / Steps, TimeSpan.TicksPerMillisecond));
        _timer = time.CreateTimer(
            static requests => ((PendingRequests)requests!).OnStep(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Begins the timeout of a request; <see cref="TryRemove"/> must follow once.</summary>
    public Request<T> Add<T>()
    {
        Request<T> request = new();
        lock (_gate)
        {
            request.LastStep = _now + Steps;
            request.Older = _newest;
            _newest = _newest is null ? _oldest = request : _newest.Newer = request;
            if (!_isTicking)
            {
                _isTicking = true;
                _timer.Change(_step, _step);
            }
        }

        return request;
    }

    /// <summary>Ends the timeout; returns <c>false</c> if the request has failed before.</summary>
    public bool TryRemove(Entry request)
    {
        lock (_gate)
        {
            return TryRemoveInsideLock(request);
        }
    }

    /// <summary>Ends all timeouts. The connection fails the requests in flight when it ends.</summary>
    public void Dispose() => _timer.Dispose();

    private void OnStep()
    {
        List<Entry>? expired = null;
        lock (_gate)
        {
            _now++;
            while (_oldest is { } request && request.LastStep < _now)
            {
                TryRemoveInsideLock(request);
                (expired ??= []).Add(request);
            }

            if (_oldest is null)
            {
                _isTicking = false;
                _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
        }

        // Outside the lock: their continuations run here.
        expired?.ForEach(request =>
        {
            _onExpired?.Invoke();
            request.Fail(new BrokerUnavailableException($"Redis has not answered for {_limit}.", isUnknown: true));
        });
    }

    private bool TryRemoveInsideLock(Entry request)
    {
        if (request.IsRemoved)
        {
            return false;
        }

        request.IsRemoved = true;
        (request.Older is { } older ? ref older.Newer : ref _oldest) = request.Newer;
        (request.Newer is { } newer ? ref newer.Older : ref _newest) = request.Older;
        request.Older = request.Newer = null;
        return true;
    }

    /// <summary>An entry of the list, which is in order of age, oldest first; the list's lock guards its fields.</summary>
    internal abstract class Entry
    {
        public Entry? Older;
        public Entry? Newer;
        public long LastStep;
        public bool IsRemoved;

        public abstract bool Fail(Exception error);
    }

    /// <summary>One request; its first result counts.</summary>
    internal sealed class Request<T> : Entry
    {
        // Continuations run where the reply was read.
        private readonly TaskCompletionSource<T> _result = new();

        public Task<T> Task => _result.Task;

        public void Complete(T answer) => _result.TrySetResult(answer);

        public override bool Fail(Exception error) => _result.TrySetException(error);
    }
}
