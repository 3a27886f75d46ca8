using Microsoft.Extensions.Logging;

namespace Weir.Brokers.File.Diagnostics;

/// <summary>Log messages of the broker, category <c>Weir.Brokers.File</c>, ids 650-669.</summary>
internal static partial class FileLog
{
    public const string Category = "Weir.Brokers.File";

    [LoggerMessage(650, LogLevel.Information, "{Path} has {Rooms} rooms and {Bytes} bytes of messages", EventName = "FileLoaded")]
    public static partial void Loaded(ILogger logger, string path, int rooms, long bytes);

    [LoggerMessage(
        651, LogLevel.Warning,
        "A part of the files was not complete and is not used any more: {Damage}. Clients whose position was in it are notified of a loss",
        EventName = "FileDamaged")]
    public static partial void Damaged(ILogger logger, string damage);

    [LoggerMessage(
        652, LogLevel.Warning,
        "The disk does not store: publishes that must be stored fail, others are announced without an offset", EventName = "FileRefuses")]
    public static partial void Refuses(ILogger logger, Exception error);

    [LoggerMessage(653, LogLevel.Information, "The disk stores again", EventName = "FileStores")]
    public static partial void Stores(ILogger logger);

    [LoggerMessage(654, LogLevel.Warning, "A snapshot could not be written; the log grows until one can", EventName = "SnapshotFailed")]
    public static partial void SnapshotFailed(ILogger logger, Exception error);

    [LoggerMessage(655, LogLevel.Debug, "Snapshot {Number} of {Bytes} bytes in {Elapsed}", EventName = "SnapshotWritten")]
    public static partial void SnapshotWritten(ILogger logger, long number, long bytes, TimeSpan elapsed);

    [LoggerMessage(656, LogLevel.Error, "The broker's sink threw an exception", EventName = "FileSinkFailed")]
    public static partial void SinkFailed(ILogger logger, Exception error);
}
