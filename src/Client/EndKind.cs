namespace Weir.Client;

/// <summary>How a connection ended, or why there was none.</summary>
public enum EndKind
{
    /// <summary>The server closed it and said with which code.</summary>
    ClosedByServer,

    /// <summary>The client was told to stop.</summary>
    ClosedByClient,

    /// <summary>The server answered the upgrade with another status than 101.</summary>
    Refused,

    /// <summary>No connection was made: the name is unknown, nobody listens, there is no way there.</summary>
    Unreachable,

    /// <summary>TLS: the certificate is not trusted, or the two do not agree on how to talk.</summary>
    TlsFailed,

    /// <summary>The server took longer than the client waits: for the upgrade, or for the answer to a command the connection depends on.</summary>
    TimedOut,

    /// <summary>The connection broke without a Close: a FIN or an RST (what a browser calls 1006).</summary>
    Cut,

    /// <summary>Nothing came for longer than the heartbeat allows: the link is dead, though nobody said so.</summary>
    Silent,

    /// <summary>The server sent what the protocol does not allow, or more than the client takes.</summary>
    ProtocolError,

    /// <summary>The callback for the token threw.</summary>
    TokenFailed,

    /// <summary>The callback for the token brought none.</summary>
    NoToken,

    /// <summary>The server refused to go on, with an error of the protocol above WebSocket.</summary>
    Rejected,
}
