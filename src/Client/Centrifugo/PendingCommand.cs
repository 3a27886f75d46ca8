using Weir.Client.Sending;

namespace Weir.Client.Centrifugo;

/// <summary>A command that has a reply. A frame without a reply has the id 0.</summary>
internal abstract class PendingCommand(uint id, ReadOnlyMemory<byte> payload) : PendingSend(payload, isText: true)
{
    public uint Id => id;

    /// <summary>The time at which it was sent, in time during which the process ran. Owned by <see cref="Unanswered"/>.</summary>
    public TimeSpan SentAt { get; set; }

    /// <summary>Completes it with the reply. Called by the task that reads the connection.</summary>
    public abstract void Answer(in Reply reply);
}

/// <summary>A command of the application.</summary>
internal sealed class UserCommand(uint id, ReadOnlyMemory<byte> payload) : PendingCommand(id, payload)
{
    private readonly TaskCompletionSource<(DeliveryResult Result, ReadOnlyMemory<byte> Body)> _result =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<(DeliveryResult Result, ReadOnlyMemory<byte> Body)> Outcome => _result.Task;

    public override void Answer(in Reply reply) => _result.TrySetResult(reply.Error is { } error
        ? (new DeliveryResult(error.MayHaveBeenExecuted ? Delivery.Unknown : Delivery.Failed, error.Message, error.Code),
            default)
        : (new DeliveryResult(Delivery.Delivered), reply.Result));

    public override void End(DeliveryResult result) => _result.TrySetResult((result, default));

    public override void Cancel(CancellationToken by) => _result.TrySetCanceled(by);
}

/// <summary>A command of the client itself on one connection: connect, subscribe, pong.</summary>
/// <param name="id">The id; 0 for a pong.</param>
/// <param name="payload">The frame.</param>
/// <param name="onAnswer">Called with the reply.</param>
/// <param name="onTimeout">Called if no reply came in time, but not if the connection has ended.</param>
internal sealed class OwnCommand(uint id, ReadOnlyMemory<byte> payload, Action<Reply>? onAnswer = null,
    Action? onTimeout = null) : PendingCommand(id, payload)
{
    public override void Answer(in Reply reply) => onAnswer?.Invoke(reply);

    public override void End(DeliveryResult result)
    {
        // It has no meaning without its connection: the next one starts over.
    }

    public override void Cancel(CancellationToken by)
    {
        // It is never cancelled.
    }

    public void WasNotAnswered() => onTimeout?.Invoke();
}
