namespace Weir.Sending;

/// <summary>
/// Who a sender reports to. Called outside the sender's gate, on whatever thread found out; each at most once.
/// </summary>
internal interface ISenderOwner
{
    /// <summary>The bound of the queue was passed: the queue is dropped and the close frame is on its way.</summary>
    void OnTooSlow();

    /// <summary>The transport takes no more bytes; <paramref name="error"/> is null when it ended quietly.</summary>
    void OnTransportEnded(Exception? error);
}
