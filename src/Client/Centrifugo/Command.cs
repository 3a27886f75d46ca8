using Weir.Client.Sending;

namespace Weir.Client.Centrifugo;

/// <summary>Something that is sent and has an answer. Bytes without an answer have the id 0.</summary>
internal abstract class Command(uint id, ReadOnlyMemory<byte> payload) : PendingSend(payload, isText: true)
{
    public uint Id => id;

    /// <summary>When it was handed to the connection. Belongs to <see cref="Unanswered"/>.</summary>
    public long SentAt { get; set; }

    /// <summary>The answer is there. Called by the task that reads the connection.</summary>
    public abstract void Answer(in Reply reply);
}

/// <summary>What a user asked for.</summary>
internal sealed class UserCommand(uint id, ReadOnlyMemory<byte> payload) : Command(id, payload)
{
    private readonly TaskCompletionSource<(DeliveryResult Result, ReadOnlyMemory<byte> Body)> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<(DeliveryResult Result, ReadOnlyMemory<byte> Body)> Outcome => _outcome.Task;

    public override void Answer(in Reply reply) => _outcome.TrySetResult(reply.Error is { } error
        ? (new DeliveryResult(Delivery.Failed, error.Message, error.Code), default)
        : (new DeliveryResult(Delivery.Delivered), reply.Result));

    public override void End(DeliveryResult result) => _outcome.TrySetResult((result, default));

    public override void Cancel(CancellationToken by) => _outcome.TrySetCanceled(by);
}

/// <summary>What the client itself has to say on one connection: connect, subscribe, pong.</summary>
/// <param name="id">Its number; 0 for a pong.</param>
/// <param name="payload">The frame.</param>
/// <param name="onAnswer">Takes the answer.</param>
/// <param name="onSilence">Is called when there was none in time; not when the connection has ended.</param>
internal sealed class OwnCommand(uint id, ReadOnlyMemory<byte> payload, Action<Reply>? onAnswer = null, Action? onSilence = null) : Command(id, payload)
{
    public override void Answer(in Reply reply) => onAnswer?.Invoke(reply);

    public override void End(DeliveryResult result)
    {
        // With its connection it is without meaning: whatever it was for begins anew on the next.
    }

    public override void Cancel(CancellationToken by)
    {
        // Nobody gives it up.
    }

    public void WasNotAnswered() => onSilence?.Invoke();
}
