using Microsoft.Extensions.Logging;
using Weir.Closing;

namespace Weir.Protocols.Centrifugo.Diagnostics;

/// <summary>
/// Log messages of the protocol, category <c>Weir.Protocols.Centrifugo</c>. No message has a parameter for data or a token. Ids 600-629.
/// </summary>
internal static partial class CentrifugoLog
{
    public const string Category = "Weir.Protocols.Centrifugo";

    [LoggerMessage(600, LogLevel.Debug, "Client {Client}: connected", EventName = "ClientConnected")]
    public static partial void Connected(ILogger logger, string client);

    [LoggerMessage(601, LogLevel.Debug,
        "Client {Client}: disconnected with {Code}, cause {Cause}, reason \"{Reason}\"",
        EventName = "ClientDisconnected")]
    public static partial void Disconnected(ILogger logger, string client, int code, CloseCause cause, string reason);

    [LoggerMessage(602, LogLevel.Error, "Client {Client}: {Command} failed", EventName = "CommandFailed")]
    public static partial void CommandFailed(ILogger logger, Exception error, string client, string command);

    [LoggerMessage(603, LogLevel.Debug, "Client {Client}: the broker is unavailable for {Command}", EventName = "CommandNotServed")]
    public static partial void NotServed(ILogger logger, Exception error, string client, string command);

    [LoggerMessage(
        604, LogLevel.Warning, "Stream of client {Client}: ended, because the client reads too slowly", EventName = "ClientStreamTooSlow")]
    public static partial void StreamTooSlow(ILogger logger, string client);

    [LoggerMessage(605, LogLevel.Debug, "Stream of client {Client}: ended", EventName = "ClientStreamEnded")]
    public static partial void StreamEnded(ILogger logger, Exception? error, string client);
}
