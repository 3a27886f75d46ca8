using System.Net;
using Microsoft.Extensions.Logging;

namespace Weir.Diagnostics;

/// <summary>
/// The engine's log messages, under the category <c>Weir</c>. No message has a parameter for a payload, a token or a query
/// string; reasons that a peer sent are not logged either. Ids 100-199: handshake, 200-299: connections, 300-399: shutdown,
/// 400-449: timers.
/// </summary>
internal static partial class WeirLog
{
    public const string Category = "Weir";

    [LoggerMessage(100, LogLevel.Debug,
        "Connection {ConnectionId}: handshake refused with {StatusCode}: {Reason}",
        EventName = "HandshakeRefused")]
    public static partial void HandshakeRefused(ILogger logger, string connectionId, int statusCode, string reason);

    [LoggerMessage(101, LogLevel.Debug,
        "Connection {ConnectionId}: no request header block within {Timeout}; closed",
        EventName = "HandshakeTimedOut")]
    public static partial void HandshakeTimedOut(ILogger logger, string connectionId, TimeSpan timeout);

    [LoggerMessage(102, LogLevel.Error,
        "Connection {ConnectionId}: the handler of {Path} threw while evaluating the handshake; refused with 500",
        EventName = "UpgradeHandlerFailed")]
    public static partial void UpgradeHandlerFailed(ILogger logger, Exception error, string connectionId, string path);

    [LoggerMessage(103, LogLevel.Debug,
        "Connection {ConnectionId}: the server is closing and no request has arrived; closed without a response",
        EventName = "EndedBeforeRequest")]
    public static partial void EndedBeforeRequest(ILogger logger, string connectionId);

    [LoggerMessage(200, LogLevel.Debug, "Connection {ConnectionId}: open on {Path}", EventName = "ConnectionOpened")]
    public static partial void ConnectionOpened(ILogger logger, string connectionId, string path);

    /// <param name="logger">The logger.</param>
    /// <param name="connectionId">The connection.</param>
    /// <param name="code">The close code.</param>
    /// <param name="cause">Why it ended: the name in metrics.</param>
    /// <param name="reason">The server's own reason; never the client's.</param>
    [LoggerMessage(201, LogLevel.Debug,
        "Connection {ConnectionId}: closed with {Code}, cause {Cause}, reason \"{Reason}\"",
        EventName = "ConnectionClosed")]
    public static partial void ConnectionClosed(ILogger logger, string connectionId, int code, string cause, string reason);

    [LoggerMessage(202, LogLevel.Error,
        "Connection {ConnectionId}: the handler of {Path} threw; closing with 1011",
        EventName = "HandlerFailed")]
    public static partial void HandlerFailed(ILogger logger, Exception error, string connectionId, string path);

    [LoggerMessage(203, LogLevel.Debug,
        "Connection {ConnectionId}: the client violated the protocol; closing with {Code}: {Rule}",
        EventName = "ProtocolFault")]
    public static partial void ProtocolFault(ILogger logger, string connectionId, int code, string rule);

    [LoggerMessage(204, LogLevel.Warning,
        "Connection {ConnectionId}: the client reads too slowly; closing with {Code}",
        EventName = "TooSlow")]
    public static partial void TooSlow(ILogger logger, string connectionId, int code);

    [LoggerMessage(205, LogLevel.Debug,
        "Connection {ConnectionId}: the closing handshake did not end within {Timeout}; aborted",
        EventName = "CloseTimedOut")]
    public static partial void CloseTimedOut(ILogger logger, string connectionId, TimeSpan timeout);

    [LoggerMessage(209, LogLevel.Debug, "Connection {ConnectionId}: heartbeat timeout; aborted", EventName = "HeartbeatMissed")]
    public static partial void HeartbeatMissed(ILogger logger, string connectionId);

    [LoggerMessage(208, LogLevel.Warning,
        "Connection {ConnectionId}: the client reads too slowly; messages are being dropped by policy {Policy}",
        EventName = "MessagesDropped")]
    public static partial void MessagesDropped(ILogger logger, string connectionId, string policy);

    [LoggerMessage(300, LogLevel.Information, "Draining {Connections} connections over {Window}", EventName = "DrainBegan")]
    public static partial void DrainBegan(ILogger logger, int connections, TimeSpan window);

    [LoggerMessage(301, LogLevel.Warning, "The drain was aborted, and with it {Connections} connections", EventName = "DrainAborted")]
    public static partial void DrainAborted(ILogger logger, int connections);

    [LoggerMessage(302, LogLevel.Information, "Drained {Connections} connections in {Elapsed}", EventName = "DrainEnded")]
    public static partial void DrainEnded(ILogger logger, int connections, TimeSpan elapsed);

    [LoggerMessage(303, LogLevel.Information,
        "{EndPoint} is closed while new connections may arrive: the system cannot hold them back, and some of the last may be reset",
        EventName = "PeersNotHeldOff")]
    public static partial void PeersNotHeldOff(ILogger logger, EndPoint endPoint);

    [LoggerMessage(206, LogLevel.Debug, "Connection {ConnectionId}: the transport ended", EventName = "TransportEnded")]
    public static partial void TransportEnded(ILogger logger, Exception? error, string connectionId);

    [LoggerMessage(207, LogLevel.Error,
        "Connection {ConnectionId}: unexpected error while writing to the transport",
        EventName = "TransportFailed")]
    public static partial void TransportFailed(ILogger logger, Exception error, string connectionId);
}
