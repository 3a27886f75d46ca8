namespace Weir.Client;

/// <summary>What became of a message.</summary>
public enum Delivery
{
    /// <summary>It did not reach the server, or the server refused it. It may be sent again.</summary>
    Failed,

    /// <summary>The server has confirmed it. Only a protocol that confirms can say so: Centrifugo's does, the raw relay does not.</summary>
    Delivered,

    /// <summary>
    /// It was handed to the system on a connection that was open, of a protocol that confirms nothing. If the connection ends in the
    /// next moments nobody can say whether the server got it.
    /// </summary>
    Written,

    /// <summary>
    /// The connection ended, or the answer did not come in time, when it might have been on its way already. It may have been
    /// delivered: who sends it again may deliver it twice.
    /// </summary>
    Unknown,
}
