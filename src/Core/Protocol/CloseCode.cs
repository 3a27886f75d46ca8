namespace Weir.Protocol;

/// <summary>
/// Why a WebSocket connection ended: the 16-bit status code of a Close frame (RFC 6455 section 7.4 and the IANA
/// "WebSocket Close Code Number" registry).
/// </summary>
/// <remarks>
/// <para>
/// The named members are the codes that the protocol defines. An application may use any value from 3000 to 3999 (registered at
/// IANA by libraries and frameworks) or from 4000 to 4999 (private use) by casting it; those never clash with the protocol's own.
/// </para>
/// <para>
/// <see cref="NoStatus"/> and <see cref="Abnormal"/> only describe local observations. They, 1004 and 1015 must not appear on the
/// wire: a peer that sends one is closed with <see cref="ProtocolError"/>, and sending one from code is an argument error, except
/// <see cref="NoStatus"/>, which sends a Close frame without a payload.
/// </para>
/// <para>The default value 0 is no close code; it is never read from or written to the wire.</para>
/// </remarks>
public enum CloseCode : ushort
{
    /// <summary>
    /// 1000: the purpose of the connection is fulfilled. The client should not reconnect automatically.
    /// </summary>
    Normal = 1000,

    /// <summary>
    /// 1001: the endpoint is going away: the server is shutting down or draining, or the browser left the page. The client should
    /// reconnect, after a random delay so that the clients of a whole node do not return together.
    /// </summary>
    GoingAway = 1001,

    /// <summary>
    /// 1002: the peer violated RFC 6455, for instance by an unmasked frame or a reserved opcode. Retrying the same bytes fails
    /// again: the client has a bug.
    /// </summary>
    ProtocolError = 1002,

    /// <summary>
    /// 1003: a kind of data this endpoint does not accept, for instance a binary message where only text is supported. The client
    /// should not resend it.
    /// </summary>
    UnsupportedData = 1003,

    /// <summary>
    /// 1005: the peer closed cleanly without a code. Never on the wire: it stands for a Close frame with an empty payload, and
    /// the client should treat it as <see cref="Normal"/>.
    /// </summary>
    NoStatus = 1005,

    /// <summary>
    /// 1006: the connection was lost without a Close frame (reset, timeout, network down). Never on the wire: each side reports
    /// it locally. The client should reconnect with exponential back-off.
    /// </summary>
    Abnormal = 1006,

    /// <summary>
    /// 1007: data inconsistent with the message type, above all text that is not valid UTF-8. The client should not
    /// resend it.
    /// </summary>
    InvalidPayload = 1007,

    /// <summary>
    /// 1008: a rule of the server was violated, and no more specific code fits or is to be disclosed (not authorized, too slow,
    /// too many messages). The client should read the reason before it reconnects, and then back off.
    /// </summary>
    PolicyViolation = 1008,

    /// <summary>
    /// 1009: a message larger than the server accepts. The client should split the message or not send it; reconnecting to resend
    /// it only repeats the close.
    /// </summary>
    MessageTooBig = 1009,

    /// <summary>
    /// 1010: sent by a client that needed an extension the server did not negotiate. A server never starts a close with it, since
    /// it can refuse the handshake instead.
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
    /// 1013: the server is overloaded. The client should back off for longer than after a lost connection, and if it has several
    /// servers, use another.
    /// </summary>
    TryAgainLater = 1013,

    /// <summary>
    /// 1014: a server acting as a gateway got an invalid response from the server behind it, as 502 in HTTP. The client may
    /// reconnect with back-off.
    /// </summary>
    BadGateway = 1014,
}
