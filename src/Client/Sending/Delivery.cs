namespace Weir.Client.Sending;

/// <summary>The delivery status of a message.</summary>
public enum Delivery
{
    /// <summary>The message did not reach the server, or the server refused it. It may be sent again.</summary>
    Failed,

    /// <summary>
    /// The server has confirmed it. Only a protocol with confirmations reports this: Centrifugo's does, the raw relay does not.
    /// </summary>
    Delivered,

    /// <summary>
    /// It was written to an open connection of a protocol without confirmations. If the connection ends shortly after, it is
    /// unknown whether the server received it.
    /// </summary>
    Written,

    /// <summary>
    /// The connection ended, or the reply did not arrive in time, when the message may already have been in flight. It may have
    /// been delivered: sending it again may deliver it twice. So it is if the server answered with error 100, internal server error.
    /// </summary>
    Unknown,
}
