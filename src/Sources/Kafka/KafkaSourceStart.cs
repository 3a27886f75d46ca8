namespace Weir.Sources.Kafka;

/// <summary>Where a group begins to read a partition for which it has committed no offset.</summary>
public enum KafkaSourceStart
{
    /// <summary>At the oldest record.</summary>
    Earliest,

    /// <summary>After the newest.</summary>
    Latest,
}
