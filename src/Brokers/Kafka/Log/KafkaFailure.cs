using Confluent.Kafka;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Kafka.Log;

/// <summary>Converts the errors of librdkafka to the broker's, with whether the record may have been stored.</summary>
internal static class KafkaFailure
{
    public static BrokerUnavailableException Of(Error error, PersistenceStatus status)
        => new($"Kafka has not taken the record: {error.Reason}", status == PersistenceStatus.PossiblyPersisted);

    /// <summary>The record was not queued.</summary>
    public static BrokerUnavailableException OfRefused(Error error)
        => new($"The record was not handed to Kafka: {error.Reason}", isUnknown: false);
}
