using Microsoft.Extensions.Logging;

namespace Weir.Brokers.Postgres.Diagnostics;

/// <summary>
/// Log messages of the broker, category <c>Weir.Brokers.Postgres</c>, ids 880-899. None has the connection string; Npgsql's messages do
/// not repeat it either.
/// </summary>
internal static partial class PostgresLog
{
    public const string Category = "Weir.Brokers.Postgres";

    [LoggerMessage(880, LogLevel.Information, "PostgreSQL is up: {Server}, version {Version}, {Line}", EventName = "PostgresUp")]
    public static partial void IsUp(ILogger logger, string server, Version version, string line);

    [LoggerMessage(881, LogLevel.Warning, "PostgreSQL: announcements may be missed from now on. {What} {Reason}", EventName = "PostgresDown")]
    public static partial void WentDown(ILogger logger, string what, string reason);

    [LoggerMessage(882, LogLevel.Debug, "PostgreSQL is not ready yet", EventName = "PostgresTryFailed")]
    public static partial void TryFailed(ILogger logger, Exception error);

    [LoggerMessage(
        883, LogLevel.Warning, "PostgreSQL refuses requests: publishes fail. {Reason}", EventName = "PostgresRefuses")]
    public static partial void Refuses(ILogger logger, string reason);

    [LoggerMessage(
        884, LogLevel.Error, "PostgreSQL cannot be used, and the broker stays unavailable until that changes. {Reason}",
        EventName = "PostgresUnfit")]
    public static partial void IsUnfit(ILogger logger, string reason);

    [LoggerMessage(885, LogLevel.Warning, "PostgreSQL: an announcement could not be read; ignored", EventName = "AnnouncementUnreadable")]
    public static partial void AnnouncementUnreadable(ILogger logger);

    [LoggerMessage(
        886, LogLevel.Warning, "PostgreSQL: an entry of the history of {Room} could not be read; ignored", EventName = "EntryUnreadable")]
    public static partial void EntryUnreadable(ILogger logger, string room);

    [LoggerMessage(887, LogLevel.Error, "The broker's sink threw an exception", EventName = "SinkFailed")]
    public static partial void SinkFailed(ILogger logger, Exception error);

    [LoggerMessage(
        888, LogLevel.Warning,
        "PostgreSQL runs with {Setting} = off: after a crash of its machine the offsets of lost publications may be given again, within an "
        + "epoch. Turn it on",
        EventName = "PostgresNotCrashSafe")]
    public static partial void NotCrashSafe(ILogger logger, string setting);

    [LoggerMessage(889, LogLevel.Warning, "PostgreSQL: a round of housekeeping failed", EventName = "PostgresKeepingFailed")]
    public static partial void KeepingFailed(ILogger logger, Exception error);
}
