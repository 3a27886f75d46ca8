using Microsoft.Extensions.Logging;

namespace Weir.Sources.Diagnostics;

/// <summary>Log messages of publishers, category <c>Weir.Sources</c>, ids 870-874. None has a parameter for a payload.</summary>
internal static partial class SourceLog
{
    public const string Category = "Weir.Sources";

    [LoggerMessage(870, LogLevel.Debug, "The source {Source} waits: the broker does not take a record for {Room}", EventName = "SourceWaits")]
    public static partial void Waits(ILogger logger, string source, string room);

    [LoggerMessage(
        871, LogLevel.Debug, "The source {Source}: the broker has not taken a record for {Room}", EventName = "SourceTryFailed")]
    public static partial void TryFailed(ILogger logger, Exception error, string source, string room);
}
