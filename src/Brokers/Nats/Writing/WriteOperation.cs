using Weir.Brokers.Nats.Connection;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Nats.Writing;

/// <summary>One change of a subject's state, whose caller waits for its result.</summary>
internal abstract class WriteOperation
{
    /// <summary>Whether the caller has its result already: it has waited for too long.</summary>
    public abstract bool IsOver { get; }

    public abstract void Fail(BrokerUnavailableException error);
}

/// <inheritdoc />
internal abstract class WriteOperation<T>(PendingReply<T> result) : WriteOperation
{
    public PendingReply<T> Result { get; } = result;

    public override bool IsOver => Result.Task.IsCompleted;

    public override void Fail(BrokerUnavailableException error) => Result.TryFail(error);
}
