namespace Weir.Client.Sending;

/// <summary>A message on its way out. It ends once.</summary>
internal abstract class PendingSend(ReadOnlyMemory<byte> payload, bool isText)
{
    public ReadOnlyMemory<byte> Payload => payload;

    public bool IsText => isText;

    /// <summary>Where it waits; null when it does not. Belongs to the lock of the <see cref="SendQueue"/>.</summary>
    public LinkedListNode<PendingSend>? Place { get; set; }

    /// <summary>Its user's way to give it up. Gone when it no longer waits: a token may live as long as the program.</summary>
    public CancellationTokenRegistration GivingUp { get; set; }

    /// <summary>This became of it. Only the first call counts.</summary>
    public abstract void End(DeliveryResult result);

    /// <summary>Its user has given it up, before it was sent.</summary>
    public abstract void Cancel(CancellationToken by);
}
