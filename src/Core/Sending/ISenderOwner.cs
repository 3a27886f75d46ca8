namespace Weir.Sending;

/// <summary>
/// Receives a sender's notifications, outside the sender's gate, on the thread on which the event occurred.
/// </summary>
internal interface ISenderOwner
{
    /// <summary>Now, in ticks of the timer wheel. Read under the gate, so it takes no other lock.</summary>
    long CurrentTick { get; }

    /// <summary>
    /// The queue is no longer empty: call <see cref="ConnectionSender.CheckDelay"/> after the longest wait allowed. Once per
    /// episode.
    /// </summary>
    void OnQueueBegan();

    /// <summary>
    /// The transport has taken bytes that had to wait for the peer, for <see cref="ConnectionSender.LongFlushTicks"/> or more.
    /// </summary>
    void OnTaken()
    {
    }

    /// <summary>The high-water mark was reached, or, after that, all bytes have been sent. Once each per episode.</summary>
    void OnPressure(bool isHigh);

    /// <summary>Messages were dropped by policy.</summary>
    void OnDropped(int messages);

    /// <summary>The limit was exceeded: the queue is dropped and the close frame is being sent. At most once.</summary>
    void OnTooSlow();

    /// <summary>The transport takes no more bytes; <paramref name="error"/> is <c>null</c> if it ended without one. At most once.</summary>
    void OnTransportEnded(Exception? error);
}
