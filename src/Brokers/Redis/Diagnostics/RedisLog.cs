using Microsoft.Extensions.Logging;

namespace Weir.Brokers.Redis.Diagnostics;

/// <summary>Log messages of the broker, category <c>Weir.Brokers.Redis</c>, ids 600-649.</summary>
internal static partial class RedisLog
{
    public const string Category = "Weir.Brokers.Redis";

    [LoggerMessage(600, LogLevel.Information, "Redis is up: it stores, and every subscription is confirmed", EventName = "RedisUp")]
    public static partial void IsUp(ILogger logger);

    [LoggerMessage(
        601, LogLevel.Warning,
        "Redis is unavailable. {What} {Reason} Rooms work within this node, and durable publishes fail, until it is up again",
        EventName = "RedisDown")]
    public static partial void WentDown(ILogger logger, string what, string reason);

    [LoggerMessage(
        607, LogLevel.Warning,
        "Redis refuses requests: publishes that must be stored fail, others are announced if Redis permits it. {Reason}",
        EventName = "RedisRefuses")]
    public static partial void Refuses(ILogger logger, string reason);

    [LoggerMessage(602, LogLevel.Debug, "Redis is not ready yet", EventName = "RedisTryFailed")]
    public static partial void TryFailed(ILogger logger, Exception error);

    [LoggerMessage(603, LogLevel.Debug, "Redis did not confirm the end of the subscription to {Room}", EventName = "UnsubscribeUnanswered")]
    public static partial void UnsubscribeUnanswered(ILogger logger, Exception error, string room);

    [LoggerMessage(
        604, LogLevel.Warning,
        "Redis: a message on the channel {Channel} could not be read; ignored", EventName = "AnnouncementUnreadable")]
    public static partial void AnnouncementUnreadable(ILogger logger, string channel);

    [LoggerMessage(
        605, LogLevel.Warning, "Redis: an entry of the history of {Room} could not be read; ignored", EventName = "EntryUnreadable")]
    public static partial void EntryUnreadable(ILogger logger, string room);

    [LoggerMessage(606, LogLevel.Error, "The broker's sink threw an exception", EventName = "SinkFailed")]
    public static partial void SinkFailed(ILogger logger, Exception error);

    [LoggerMessage(
        608, LogLevel.Error,
        "Redis is a Cluster, which has only database 0: remove defaultDatabase={Database} from the configuration, "
        + "and set KeyPrefix to separate systems. The broker stays unavailable",
        EventName = "RedisDatabaseRefused")]
    public static partial void DatabaseRefused(ILogger logger, int database);
}
