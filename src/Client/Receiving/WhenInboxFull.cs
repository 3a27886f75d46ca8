namespace Weir.Client.Receiving;

/// <summary>The policy of a client whose application reads more slowly than the server sends.</summary>
public enum WhenInboxFull
{
    /// <summary>
    /// It stops reading. TCP slows the server down, and the server closes a connection that is too slow for too long (1009). Pings are
    /// not answered meanwhile either, so an application that does not read for longer than Ping interval and timeout loses the
    /// connection, but no received message. A client that only sends and never reads ends the same way: use
    /// <see cref="DropOldest"/>.
    /// </summary>
    Wait,

    /// <summary>The oldest event is dropped without notice.</summary>
    DropOldest,
}
