namespace Weir;

/// <summary>What became of a message given to <see cref="WeirConnection.Send(ReadOnlyMemory{byte}, MessageKind, string?)"/>.</summary>
public enum SendResult
{
    /// <summary>Handed to the transport; it leaves with the next flush, at the latest when the handler returns.</summary>
    Sent,

    /// <summary>The transport is still busy with what it has: the message waits in the connection's own bounded queue.</summary>
    Queued,

    /// <summary>
    /// The message was refused because the peer reads too slowly: with it, more than
    /// <see cref="PressureOptions.CloseAtBytes"/> would wait. Unless the policy is to drop the newest, the connection is
    /// being closed with 1009 "too slow".
    /// </summary>
    Dropped,

    /// <summary>The connection is closing or closed; nothing was sent.</summary>
    Closed,
}
