using Microsoft.Extensions.Logging;
using Weir.Relay.Brokers;

namespace Weir.Relay.Diagnostics;

/// <summary>
/// The relay's log messages, in the category <c>Weir.Relay</c>. No message has a parameter for a payload, a key or a query. Ids 500-549:
/// rooms and the broker, 550-569: Server-Sent Events, 570-589: the HTTP API.
/// </summary>
internal static partial class RelayLog
{
    public const string Category = "Weir.Relay";

    [LoggerMessage(
        500, LogLevel.Debug, "The broker is unavailable: rooms work within this node, durable publishes fail", EventName = "BrokerUnavailable")]
    public static partial void BrokerUnavailable(ILogger logger);

    [LoggerMessage(
        501, LogLevel.Debug, "The broker is available again: the positions of {Rooms} rooms are checked", EventName = "BrokerAvailableAgain")]
    public static partial void BrokerAvailableAgain(ILogger logger, int rooms);

    [LoggerMessage(502, LogLevel.Error, "Room {Room}: the broker failed with an unexpected error", EventName = "BrokerFailed")]
    public static partial void BrokerFailed(ILogger logger, Exception error, string room);

    [LoggerMessage(503, LogLevel.Debug, "Room {Room}: a request to the broker failed; it is retried", EventName = "BrokerNotAsked")]
    public static partial void BrokerNotAsked(ILogger logger, Exception error, string room);

    [LoggerMessage(
        504, LogLevel.Warning, "Room {Room}: publications are lost ({Reason}); listeners are notified, at {Epoch}:{Offset}",
        EventName = "PositionLost")]
    public static partial void PositionLost(ILogger logger, string room, PositionLoss reason, string epoch, long offset);

    [LoggerMessage(505, LogLevel.Debug, "Room {Room}: {Count} missed publications were delivered from the history", EventName = "FilledIn")]
    public static partial void FilledIn(ILogger logger, string room, int count);

    [LoggerMessage(506, LogLevel.Error, "Room {Room}: an audience threw an exception", EventName = "AudienceFailed")]
    public static partial void AudienceFailed(ILogger logger, Exception error, string room);

    [LoggerMessage(
        507, LogLevel.Debug, "Room {Room}: presence could not be updated; the next refresh repeats it", EventName = "PresenceNotUpdated")]
    public static partial void PresenceNotUpdated(ILogger logger, Exception error, string room);

    [LoggerMessage(508, LogLevel.Debug, "Room {Room}: a publish failed", EventName = "PublishFailed")]
    public static partial void PublishFailed(ILogger logger, Exception error, string room);

    [LoggerMessage(
        509, LogLevel.Warning, "Room {Room}: announcements arrive faster than they can be delivered; some were dropped",
        EventName = "InboxFull")]
    public static partial void InboxFull(ILogger logger, string room);

    [LoggerMessage(510, LogLevel.Warning, "A message from another node could not be read", EventName = "BadControl")]
    public static partial void BadControl(ILogger logger, Exception error);

    [LoggerMessage(511, LogLevel.Error, "The maintenance of rooms failed", EventName = "MaintenanceFailed")]
    public static partial void MaintenanceFailed(ILogger logger, Exception error);

    [LoggerMessage(512, LogLevel.Error, "Room {Room}: an event could not be processed", EventName = "EventFailed")]
    public static partial void EventFailed(ILogger logger, Exception error, string room);

    [LoggerMessage(
        513, LogLevel.Debug, "The broker does not store: publishes that must be stored fail, others are announced only",
        EventName = "BrokerRefuses")]
    public static partial void BrokerRefuses(ILogger logger);

    [LoggerMessage(
        515, LogLevel.Warning,
        "{Count} other nodes have other room rules, so clients may miss publications there: make Weir:Rooms the same on {Nodes}",
        EventName = "RulesDiffer")]
    public static partial void RulesDiffer(ILogger logger, int count, string nodes);

    [LoggerMessage(516, LogLevel.Information, "All nodes have the same room rules again", EventName = "RulesAgree")]
    public static partial void RulesAgree(ILogger logger);

    [LoggerMessage(
        517, LogLevel.Warning,
        "The broker has lost requests to end connections, or its record of them: a connection that was to be ended may still be open here",
        EventName = "DisconnectsLost")]
    public static partial void DisconnectsLost(ILogger logger);

    [LoggerMessage(550, LogLevel.Warning, "Stream {Stream}: ended, because the client reads too slowly", EventName = "StreamTooSlow")]
    public static partial void StreamTooSlow(ILogger logger, string stream);

    [LoggerMessage(551, LogLevel.Debug, "Stream {Stream}: ended", EventName = "StreamEnded")]
    public static partial void StreamEnded(ILogger logger, Exception? error, string stream);

    [LoggerMessage(552, LogLevel.Error, "A request for a stream failed with an unexpected error", EventName = "StreamFailed")]
    public static partial void StreamFailed(ILogger logger, Exception error);

    [LoggerMessage(
        EventId = 553, Message = "The positions of a stream in many rooms could not be stored: it is ended, and its client reconnects",
        EventName = "StreamNotKept")]
    public static partial void StreamNotKept(ILogger logger, LogLevel level, Exception error);

    [LoggerMessage(570, LogLevel.Debug, "API: {Method} refused: the key is missing or wrong", EventName = "KeyRefused")]
    public static partial void KeyRefused(ILogger logger, string method);

    [LoggerMessage(571, LogLevel.Error, "API: {Method} failed with an unexpected error", EventName = "ApiFailed")]
    public static partial void ApiFailed(ILogger logger, Exception error, string method);
}
