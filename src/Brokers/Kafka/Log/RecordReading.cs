using Confluent.Kafka;
using Weir.Brokers.Kafka.Wire;

namespace Weir.Brokers.Kafka.Log;

/// <summary>
/// Makes objects of a record only if this node needs it: each reads the records of all rooms, most of which have no members on it. The
/// library calls it for a record's key, then for its value, on the reader's thread.
/// </summary>
internal sealed class RecordReading(SubscribedRooms rooms) : IDeserializer<SubscribedRoom?>, IDeserializer<byte[]?>
{
    private bool _isSubscribed;

    /// <summary>Returns the room, if it is subscribed to.</summary>
    SubscribedRoom? IDeserializer<SubscribedRoom?>.Deserialize(ReadOnlySpan<byte> data, bool isNull, SerializationContext context)
    {
        SubscribedRoom? room = isNull || data.IsEmpty ? null : rooms.Find(data);
        _isSubscribed = room is not null;
        return room;
    }

    /// <summary>Returns the value, unless it is a publication to a room that is not subscribed to.</summary>
    byte[]? IDeserializer<byte[]?>.Deserialize(ReadOnlySpan<byte> data, bool isNull, SerializationContext context)
        => isNull || (!_isSubscribed && data is [Record.Version, (byte)RecordKind.Publication, ..]) ? null : data.ToArray();
}
