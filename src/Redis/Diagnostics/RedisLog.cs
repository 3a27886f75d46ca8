using Microsoft.Extensions.Logging;

namespace Weir.Redis.Diagnostics;

/// <summary>What the broker logs, under the category <c>Weir.Redis</c>. Ids 600-649.</summary>
internal static partial class RedisLog
{
    public const string Category = "Weir.Redis";

    [LoggerMessage(600, LogLevel.Information, "Redis is up: it stores, and every subscription is confirmed", EventName = "RedisUp")]
    public static partial void IsUp(ILogger logger);

    [LoggerMessage(601, LogLevel.Warning, "Redis: announcements may be missed from now on. {What}", EventName = "RedisDown")]
    public static partial void WentDown(ILogger logger, Exception? error, string what);

    [LoggerMessage(607, LogLevel.Warning, "Redis refuses requests: publishes that must be stored fail, others are announced where it allows that. {Reason}", EventName = "RedisRefuses")]
    public static partial void Refuses(ILogger logger, string reason);

    [LoggerMessage(602, LogLevel.Debug, "Redis is not as it should be yet", EventName = "RedisTryFailed")]
    public static partial void TryFailed(ILogger logger, Exception error);

    [LoggerMessage(603, LogLevel.Debug, "Redis did not confirm that {Room} is unsubscribed from", EventName = "UnsubscribeUnanswered")]
    public static partial void UnsubscribeUnanswered(ILogger logger, Exception error, string room);

    [LoggerMessage(604, LogLevel.Warning, "Redis: something on the channel {Channel} could not be read; passed over", EventName = "AnnouncementUnreadable")]
    public static partial void AnnouncementUnreadable(ILogger logger, string channel);

    [LoggerMessage(605, LogLevel.Warning, "Redis: an entry of the history of {Room} could not be read; passed over", EventName = "EntryUnreadable")]
    public static partial void EntryUnreadable(ILogger logger, string room);

    [LoggerMessage(606, LogLevel.Error, "What announcements are handed to threw", EventName = "SinkFailed")]
    public static partial void SinkFailed(ILogger logger, Exception error);

    [LoggerMessage(
        607, LogLevel.Error,
        "Redis is a Cluster, which has no database but 0: take defaultDatabase={Database} out of the configuration, and set KeyPrefix to keep systems apart. The broker stays away",
        EventName = "RedisDatabaseRefused")]
    public static partial void DatabaseRefused(ILogger logger, int database);
}
