using Weir.Relay.Brokers;
using Weir.Timing;

namespace Weir.Brokers.Nats.Connection;

/// <summary>A request, or a message that is to be confirmed; its first result counts. Continuations run where the reply was read.</summary>
/// <param name="limit">Its timeout.</param>
/// <param name="onExpired">Called when the timeout has elapsed, before it fails; <c>null</c>: no call.</param>
internal sealed class PendingReply<T>(TimeSpan limit, Action? onExpired = null) : RunningTimeoutEntry
{
    private readonly TaskCompletionSource<T> _result = new();

    public Task<T> Task => _result.Task;

    public bool TryComplete(T reply) => _result.TrySetResult(reply);

    public bool TryFail(BrokerUnavailableException error) => _result.TrySetException(error);

    protected override void OnElapsed()
    {
        onExpired?.Invoke();
        TryFail(new BrokerUnavailableException($"NATS has not answered for {limit}.", isUnknown: true));
    }
}
