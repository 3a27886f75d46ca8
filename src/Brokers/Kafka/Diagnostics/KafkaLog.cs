using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace Weir.Brokers.Kafka.Diagnostics;

/// <summary>
/// Log messages of the broker, category <c>Weir.Brokers.Kafka</c>, ids 840-859. None has a parameter for a payload, or for the value of a
/// property of the clients.
/// </summary>
internal static partial class KafkaLog
{
    public const string Category = "Weir.Brokers.Kafka";

    [LoggerMessage(
        840, LogLevel.Information, "Kafka is up: the topic {Topic} with {Partitions} partitions returns what is written to each",
        EventName = "KafkaUp")]
    public static partial void IsUp(ILogger logger, string topic, int partitions);

    [LoggerMessage(841, LogLevel.Warning, "Kafka: announcements may be late, and publishes fail, from now on. {What} {Reason}", EventName = "KafkaDown")]
    public static partial void WentDown(ILogger logger, string what, string reason);

    [LoggerMessage(842, LogLevel.Debug, "Kafka is not ready yet", EventName = "KafkaTryFailed")]
    public static partial void TryFailed(ILogger logger, Exception error);

    [LoggerMessage(
        843, LogLevel.Error,
        "Kafka has no topic {Topic}: create it, with as many partitions as it will ever need, and cleanup.policy=delete. "
        + "The broker stays unavailable until then",
        EventName = "KafkaTopicMissing")]
    public static partial void TopicMissing(ILogger logger, string topic);

    [LoggerMessage(
        844, LogLevel.Error,
        "Kafka: the topic {Topic} has {Now} partitions, and had {Before} when this node started. Rooms would move to other partitions, and "
        + "nodes would disagree about the order: the broker stays unavailable. Restart all nodes, or set a new topic",
        EventName = "KafkaPartitionsChanged")]
    public static partial void PartitionsChanged(ILogger logger, string topic, int before, int now);

    [LoggerMessage(
        845, LogLevel.Warning,
        "Kafka: partition {Partition} was to be read from offset {Expected} and continues at {First}: its records between were removed "
        + "before this node has read them, or the partition has lost its end. Announcements to any room in it may be missing",
        EventName = "KafkaRecordsMissed")]
    public static partial void RecordsMissed(ILogger logger, int partition, long expected, long first);

    [LoggerMessage(
        846, LogLevel.Warning, "Kafka: a record of partition {Partition} could not be read; ignored", EventName = "KafkaRecordUnreadable")]
    public static partial void RecordUnreadable(ILogger logger, int partition);

    [LoggerMessage(847, LogLevel.Error, "The broker's sink threw an exception", EventName = "KafkaSinkFailed")]
    public static partial void SinkFailed(ILogger logger, Exception error);

    [LoggerMessage(
        848, LogLevel.Warning, "Kafka: the producer has failed permanently and is replaced: {Reason}", EventName = "KafkaProducerReplaced")]
    public static partial void ProducerReplaced(ILogger logger, string reason);

    [LoggerMessage(
        849, LogLevel.Debug, "Kafka: {Count} clients of this node could not be reported to a node that asked", EventName = "KafkaNotAnswered")]
    public static partial void NotAnswered(ILogger logger, Exception error, int count);

    [LoggerMessage(850, LogLevel.Debug, "librdkafka, {Facility}: {Text}", EventName = "KafkaClient")]
    private static partial void Client(ILogger logger, string facility, string text);

    /// <summary>The library repeats its messages several times a second during an outage.</summary>
    public static void Client(ILogger logger, LogMessage message) => Client(logger, message.Facility, message.Message);
}
