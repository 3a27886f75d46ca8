namespace Weir.Sending;

/// <summary>
/// Who a sender reports to. Called outside the sender's gate, on whatever thread found out.
/// </summary>
internal interface ISenderOwner
{
    /// <summary>Now, in ticks of the timer wheel. Asked for under the gate, so it takes no other lock.</summary>
    long CurrentTick { get; }

    /// <summary>
    /// Messages have begun to wait: time for <see cref="ConnectionSender.CheckDelay"/> after the longest wait allowed.
    /// Once per episode.
    /// </summary>
    void OnQueueBegan();

    /// <summary>
    /// The transport has taken bytes that had to wait for the peer, for <see cref="ConnectionSender.LongFlushTicks"/> or more.
    /// </summary>
    void OnTaken()
    {
    }

    /// <summary>The high-water mark was passed, or, after that, everything has left. Once each per episode.</summary>
    void OnPressure(bool isHigh);

    /// <summary>Messages were dropped by policy.</summary>
    void OnDropped(int messages);

    /// <summary>The limit was passed: the queue is dropped and the close frame is on its way. At most once.</summary>
    void OnTooSlow();

    /// <summary>The transport takes no more bytes; <paramref name="error"/> is null when it ended quietly. At most once.</summary>
    void OnTransportEnded(Exception? error);
}
