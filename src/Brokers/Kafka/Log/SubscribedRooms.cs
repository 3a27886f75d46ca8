using System.Collections.Concurrent;

namespace Weir.Brokers.Kafka.Log;

/// <summary>The rooms whose records are announced. Thread-safe.</summary>
internal sealed class SubscribedRooms
{
    private readonly ConcurrentDictionary<string, SubscribedRoom> _rooms;
    private readonly ConcurrentDictionary<string, SubscribedRoom>.AlternateLookup<ReadOnlySpan<byte>> _byKey;

    public SubscribedRooms()
    {
        _rooms = new ConcurrentDictionary<string, SubscribedRoom>(new Utf8Names());
        _byKey = _rooms.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    /// <summary>Adds a room; one that is there stays as it is.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="from">The first offset of its partition that belongs to the subscription.</param>
    public void Add(string name, long from) => _rooms.TryAdd(name, new SubscribedRoom(name, from));

    public void Remove(string name) => _rooms.TryRemove(name, out _);

    public bool Contains(string name) => _rooms.ContainsKey(name);

    /// <summary>Offsets begin anew: every subscription begins with the first.</summary>
    public void ForgetOffsets()
    {
        foreach (SubscribedRoom room in _rooms.Values)
        {
            room.From = 0;
        }
    }

    /// <summary>Returns the subscribed room whose name these bytes are; <c>null</c> if there is none.</summary>
    public SubscribedRoom? Find(ReadOnlySpan<byte> name) => _byKey.TryGetValue(name, out SubscribedRoom? room) ? room : null;
}
