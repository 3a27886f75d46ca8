namespace Weir.Client.Events;

/// <summary>How a connection ended, or why it was not established.</summary>
public enum EndKind
{
    /// <summary>The server sent a close frame.</summary>
    ClosedByServer,

    /// <summary>The client was stopped.</summary>
    ClosedByClient,

    /// <summary>The server answered the upgrade with another status than 101.</summary>
    Refused,

    /// <summary>No connection was established: unknown name, connection refused, or no route.</summary>
    Unreachable,

    /// <summary>TLS: the certificate is not trusted, or the negotiation failed.</summary>
    TlsFailed,

    /// <summary>No response to the upgrade, or no reply to a command that the connection depends on, arrived in time.</summary>
    TimedOut,

    /// <summary>The connection ended without a close frame: a FIN or an RST (1006 in a browser).</summary>
    ConnectionLost,

    /// <summary>No data arrived within the heartbeat timeout: the connection is dead, without a FIN or an RST.</summary>
    HeartbeatTimeout,

    /// <summary>The server violated the protocol, or exceeded a limit of the client.</summary>
    ProtocolError,

    /// <summary>The token callback failed.</summary>
    TokenFailed,

    /// <summary>The token callback returned no token.</summary>
    NoToken,

    /// <summary>The server refused the client, with an error of the protocol above WebSocket.</summary>
    Rejected,
}
