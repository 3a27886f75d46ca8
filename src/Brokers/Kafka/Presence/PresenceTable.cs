using Weir.Relay.Brokers;

namespace Weir.Brokers.Kafka.Presence;

/// <summary>
/// The clients that are present in all rooms, on all nodes, as this node has read it from the topic. Every node has the same table
/// up to the delay of its reading. Guarded by its gate, which callers hold around each call and the announcements that follow from it.
/// </summary>
/// <param name="time">The clock of lifetimes: those of this node, counted from when a record is read.</param>
internal sealed class PresenceTable(TimeProvider time)
{
    private readonly Dictionary<string, Dictionary<string, Entry>> _rooms = new(StringComparer.Ordinal);
    private long _continuedAt = long.MinValue;

    public Lock Gate { get; } = new();

    /// <summary>Clients in rooms, a client in two rooms counted twice.</summary>
    public int Count { get; private set; }

    /// <summary>Records a client; returns whether it was absent.</summary>
    public bool SetInsideGate(string room, RoomMember member, TimeSpan lifetime)
    {
        if (!_rooms.TryGetValue(room, out Dictionary<string, Entry>? present))
        {
            _rooms.Add(room, present = new Dictionary<string, Entry>(StringComparer.Ordinal));
        }

        bool isNew = !present.ContainsKey(member.Client);
        Count += isNew ? 1 : 0;
        present[member.Client] = new Entry(member, TicksOf(lifetime), time.GetTimestamp());
        return isNew;
    }

    /// <summary>Removes a client; returns it if it was present.</summary>
    public RoomMember? RemoveInsideGate(string room, string client)
    {
        if (!_rooms.TryGetValue(room, out Dictionary<string, Entry>? present) || !present.Remove(client, out Entry entry))
        {
            return null;
        }

        Count--;
        if (present.Count == 0)
        {
            _rooms.Remove(room);
        }

        return entry.Member;
    }

    public IReadOnlyList<RoomMember> ReadInsideGate(string room)
    {
        long now = time.GetTimestamp();
        return _rooms.TryGetValue(room, out Dictionary<string, Entry>? present)
            ? [.. present.Values.Where(entry => !HasExpired(entry, now)).Select(static entry => entry.Member)] : [];
    }

    /// <summary>
    /// Reading continues after an interruption, in which no client could be refreshed: the lifetimes begin again, so that clients of other
    /// nodes are not reported as gone because this one read nothing.
    /// </summary>
    public void ContinueInsideGate() => _continuedAt = time.GetTimestamp();

    /// <summary>Returns the clients whose lifetime is over, which are still to be removed.</summary>
    public List<(string Room, string Client)> ExpiredInsideGate()
    {
        long now = time.GetTimestamp();
        List<(string Room, string Client)> expired = [];
        foreach ((string room, Dictionary<string, Entry> present) in _rooms)
        {
            foreach ((string client, Entry entry) in present)
            {
                if (HasExpired(entry, now))
                {
                    expired.Add((room, client));
                }
            }
        }

        return expired;
    }

    private bool HasExpired(in Entry entry, long now) => now - Math.Max(entry.ReadAt, _continuedAt) >= entry.Lifetime;

    private long TicksOf(TimeSpan lifetime) => (long)Math.Min(lifetime.TotalSeconds * time.TimestampFrequency, long.MaxValue / 4);

    private readonly record struct Entry(RoomMember Member, long Lifetime, long ReadAt);
}
