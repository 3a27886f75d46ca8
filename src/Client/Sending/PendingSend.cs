namespace Weir.Client.Sending;

/// <summary>A message on the outbound path. It ends once.</summary>
internal abstract class PendingSend(ReadOnlyMemory<byte> payload, bool isText)
{
    public ReadOnlyMemory<byte> Payload => payload;

    public bool IsText => isText;

    /// <summary>
    /// Its entry in the queue; <c>null</c> if it is not queued. Guarded by the lock of the <see cref="ClientSendQueue"/>.
    /// </summary>
    public LinkedListNode<PendingSend>? Entry { get; set; }

    /// <summary>
    /// The registration of its cancellation. Removed when it is no longer queued: a token may live as long as the program.
    /// </summary>
    public CancellationTokenRegistration GivingUp { get; set; }

    /// <summary>Ends it with a result. Only the first call counts.</summary>
    public abstract void End(DeliveryResult result);

    /// <summary>Cancels it before it was sent.</summary>
    public abstract void Cancel(CancellationToken by);
}
