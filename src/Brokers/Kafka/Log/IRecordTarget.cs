namespace Weir.Brokers.Kafka.Log;

/// <summary>Receives what a <see cref="TopicReader"/> reads, on its thread: of one partition in the order of the offsets.</summary>
internal interface IRecordTarget
{
    void OnBatchBegins();

    void OnBatchEnded();

    /// <param name="partition">The record's partition.</param>
    /// <param name="offset">Its offset.</param>
    /// <param name="room">The room that is its key, if subscribed to.</param>
    /// <param name="value">Its value; it belongs to the receiver.</param>
    void OnRecord(PartitionState partition, long offset, SubscribedRoom? room, byte[] value);

    /// <summary>Records of a partition no longer exist, or the partition has begun anew: reading continues after them.</summary>
    void OnMissed(PartitionState partition, long expected, long first);

    /// <summary>Reading fails; it is tried again.</summary>
    void OnReadFailed(string what, Exception? error);
}
