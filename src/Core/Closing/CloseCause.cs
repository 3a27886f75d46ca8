namespace Weir.Closing;

/// <summary>Why a connection ended. Close codes do not show it: applications choose them, and 1006 is every end without one.</summary>
/// <remarks>
/// The first caller to close records the cause; later causes are ignored. One exception: if the client does not answer a close by
/// the application in time, <see cref="ApplicationClosed"/> becomes <see cref="CloseTimeout"/>. The names in metrics and logs are
/// those of the members in snake case, such as <c>slow_consumer</c>.
/// </remarks>
public enum CloseCause : byte
{
    /// <summary>The client sent the first close frame.</summary>
    ClientClosed,

    /// <summary>The application called <c>Close</c>, or a close that it had planned was due, without naming another cause.</summary>
    ApplicationClosed,

    /// <summary>The application called <c>Abort</c>: no close frame was sent.</summary>
    ApplicationAborted,

    /// <summary>The client violated RFC 6455, RFC 7692, or the protocol that the application serves.</summary>
    ProtocolError,

    /// <summary>A message of the client was larger than the endpoint accepts.</summary>
    MessageTooBig,

    /// <summary>The client sent more messages or bytes per second than its limit.</summary>
    RateLimited,

    /// <summary>The client read too slowly: too many bytes waited for it, or a message waited for too long.</summary>
    SlowConsumer,

    /// <summary>No data arrived from the client within the heartbeat's interval and timeout.</summary>
    HeartbeatTimeout,

    /// <summary>The client was connected, and did not send the first command of its protocol in time.</summary>
    ConnectTimeout,

    /// <summary>The application's handler, or a command of its protocol, threw an exception.</summary>
    HandlerFailed,

    /// <summary>The client is not authenticated, or has no right to what it did.</summary>
    AccessDenied,

    /// <summary>The time of the client's token or grant has passed.</summary>
    TokenExpired,

    /// <summary>An operator or a back end disconnected the client or its user.</summary>
    AccessRevoked,

    /// <summary>The broker was unavailable, or lost publications that the client must not miss.</summary>
    BrokerUnavailable,

    /// <summary>The node was taken out of service.</summary>
    Draining,

    /// <summary>
    /// The transport broke without a close frame: the client or a device on the path reset it, TCP gave up, or TLS failed.
    /// </summary>
    TransportReset,

    /// <summary>The client ended its side of the transport without a close frame.</summary>
    TransportEnded,

    /// <summary>An unexpected exception in the transport or in the server; it is logged as an error.</summary>
    TransportFailed,

    /// <summary>The client did not answer the application's close frame in time, and the connection was aborted.</summary>
    CloseTimeout,
}
