using Confluent.Kafka;

namespace Weir.Brokers.Kafka.Log;

/// <summary>The topic, how to reach it, and the bounds of writing to it. Immutable: the configurations are only read.</summary>
/// <param name="Topic">Its name.</param>
/// <param name="PublishTimeout">For the acknowledgement of a record.</param>
/// <param name="ConnectTimeout">For metadata and ends of partitions.</param>
/// <param name="MaxPending">The most records of publishers in flight.</param>
/// <param name="MaxPendingBytes">The most bytes of those.</param>
/// <param name="Producer">The properties of the writing client.</param>
/// <param name="Consumer">The properties of the reading client.</param>
internal sealed record TopicSettings(
    string Topic,
    TimeSpan PublishTimeout,
    TimeSpan ConnectTimeout,
    int MaxPending,
    long MaxPendingBytes,
    ProducerConfig Producer,
    ConsumerConfig Consumer);
