namespace Weir.Sending;

/// <summary>How a message for a client whose queue is full is handled.</summary>
public enum PressurePolicy
{
    /// <summary>The queue is dropped and the client closed: it is notified of the loss, and reconnects.</summary>
    Close,

    /// <summary>The new message is dropped. For streams whose old messages keep their value.</summary>
    DropNewest,

    /// <summary>The oldest messages are dropped until the new one fits. For feeds of which only the recent part matters.</summary>
    DropOldest,

    /// <summary>
    /// A message sent with a key replaces a queued one with the same key, however full the queue is; beyond the limit the client
    /// is closed. For tickers: a slow client gets each key's latest value and no history.
    /// </summary>
    KeepLatest,
}
