namespace Weir.Sending;

/// <summary>The result of <c>WeirConnection.Send</c>.</summary>
public enum SendResult
{
    /// <summary>Handed to the transport; sent with the next flush, at the latest when the handler returns.</summary>
    Sent,

    /// <summary>The transport is busy: the message waits in the connection's own bounded queue.</summary>
    Queued,

    /// <summary>
    /// The message was refused because the peer reads too slowly: with it, more than
    /// <see cref="PressureOptions.CloseAtBytes"/> would wait. Unless the policy is to drop the newest, the connection is
    /// being closed with 1009 "too slow".
    /// </summary>
    Dropped,

    /// <summary>The connection is closing or closed; the message was not sent.</summary>
    Closed,
}
