namespace Weir;

/// <summary>
/// Why a WebSocket connection ended: the 16-bit status code of a Close frame (RFC 6455 section 7.4 and the IANA
/// "WebSocket Close Code Number" registry).
/// </summary>
/// <remarks>
/// <para>
/// The named members are the codes the protocol itself defines. An application may use any value from 3000 to 3999
/// (registered at IANA by libraries and frameworks) or from 4000 to 4999 (private use) by casting it; those never
/// clash with the protocol's own.
/// </para>
/// <para>
/// <see cref="NoStatus"/> and <see cref="Abnormal"/> only ever describe what was observed locally. They, 1004 and 1015
/// must not appear on the wire: a peer that sends one is closed with <see cref="ProtocolError"/>, and sending one from
/// code is an argument error. <see cref="NoStatus"/> is the exception in what code may ask for: it means a Close frame
/// without a payload.
/// </para>
/// <para>The default value 0 is no close code; it is never read from or written to the wire.</para>
/// </remarks>
public enum CloseCode : ushort
{
    /// <summary>
    /// 1000: the purpose of the connection is fulfilled. The client should not reconnect on its own account.
    /// </summary>
    Normal = 1000,

    /// <summary>
    /// 1001: the endpoint is going away: the server is shutting down or draining, or the browser left the page.
    /// The client should reconnect, after a random delay so that a whole node's clients do not return at once.
    /// </summary>
    GoingAway = 1001,

    /// <summary>
    /// 1002: the peer broke RFC 6455, for instance by an unmasked frame or a reserved opcode. Retrying the same bytes
    /// fails again: the client has a bug to fix.
    /// </summary>
    ProtocolError = 1002,

    /// <summary>
    /// 1003: a kind of data this endpoint does not accept, for instance a binary message where only text is
    /// understood. The client should not resend it.
    /// </summary>
    UnsupportedData = 1003,

    /// <summary>
    /// 1005: the peer closed cleanly but gave no code. Never on the wire: it stands for a Close frame with an empty
    /// payload, and the client should treat it as <see cref="Normal"/>.
    /// </summary>
    NoStatus = 1005,

    /// <summary>
    /// 1006: the connection was lost without a Close frame (reset, time-out, network gone). Never on the wire: each
    /// side reports it to itself. The client should reconnect with exponential back-off.
    /// </summary>
    Abnormal = 1006,

    /// <summary>
    /// 1007: data inconsistent with the message type, above all text that is not valid UTF-8. The client should not
    /// resend it.
    /// </summary>
    InvalidPayload = 1007,

    /// <summary>
    /// 1008: a rule of the server was broken, and no more specific code fits or none should be told (not
    /// authorized, too slow, too many messages). The client should read the reason before it reconnects, and then
    /// back off.
    /// </summary>
    PolicyViolation = 1008,

    /// <summary>
    /// 1009: a message larger than the server is configured to take. The client should split the message or not send
    /// it; reconnecting to resend it only repeats the close.
    /// </summary>
    MessageTooBig = 1009,

    /// <summary>
    /// 1010: sent by a client that needed an extension the server did not agree to. A server never starts a close
    /// with it, since it can refuse the handshake instead.
    /// </summary>
    MandatoryExtension = 1010,

    /// <summary>
    /// 1011: the server met an unexpected condition, typically an exception in the application's handler. The client
    /// may reconnect with back-off, but should expect the same input to fail again.
    /// </summary>
    InternalError = 1011,

    /// <summary>
    /// 1012: the service restarts. The client should reconnect after a random delay of some 5 to 30 seconds.
    /// </summary>
    ServiceRestart = 1012,

    /// <summary>
    /// 1013: the server is overloaded. The client should back off for longer than after a lost connection, and if
    /// it knows several servers, turn to another.
    /// </summary>
    TryAgainLater = 1013,

    /// <summary>
    /// 1014: a server acting as a gateway got an invalid answer from the server behind it, as 502 in HTTP. The client
    /// may reconnect with back-off.
    /// </summary>
    BadGateway = 1014,
}
