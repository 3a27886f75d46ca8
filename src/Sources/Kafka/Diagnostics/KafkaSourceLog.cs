using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace Weir.Sources.Kafka.Diagnostics;

/// <summary>Log messages of the source, category <c>Weir.Sources.Kafka</c>, ids 880-889. None has a parameter for a payload.</summary>
internal static partial class KafkaSourceLog
{
    public const string Category = "Weir.Sources.Kafka";

    [LoggerMessage(880, LogLevel.Information, "The source {Topic} reads partitions {Partitions}", EventName = "SourceAssigned")]
    public static partial void Assigned(ILogger logger, string topic, string partitions);

    [LoggerMessage(
        881, LogLevel.Error,
        "The source {Topic}: partition {Partition} was to be read from offset {Expected} and continues at {First}: the records between were "
        + "removed before they were published, or the topic was created anew",
        EventName = "SourceRecordsMissed")]
    public static partial void RecordsMissed(ILogger logger, string topic, int partition, long expected, long first);

    [LoggerMessage(
        882, LogLevel.Warning,
        "The source {Topic}: the record at offset {Offset} of partition {Partition} cannot be published and goes to {DeadLetterTopic}. {Reason}",
        EventName = "SourceRejected")]
    public static partial void Rejected(ILogger logger, string topic, int partition, long offset, string deadLetterTopic, string reason);

    [LoggerMessage(
        883, LogLevel.Warning, "The source cannot write to {DeadLetterTopic}; it tries again, and reads on after that",
        EventName = "SourceDeadLetterFailed")]
    public static partial void DeadLetterFailed(ILogger logger, Exception error, string deadLetterTopic);

    [LoggerMessage(884, LogLevel.Warning, "The source {Topic} cannot read or commit", EventName = "SourceFailed")]
    public static partial void Failed(ILogger logger, Exception error, string topic);

    [LoggerMessage(885, LogLevel.Debug, "librdkafka, {Facility}: {Text}", EventName = "SourceClient")]
    private static partial void Client(ILogger logger, string facility, string text);

    public static void Client(ILogger logger, LogMessage message) => Client(logger, message.Facility, message.Message);
}
