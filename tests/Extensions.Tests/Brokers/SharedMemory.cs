using Weir.Relay.Brokers;

namespace Weir.Extensions.Tests.Brokers;

/// <summary>What a server would be: the memory that the brokers of several nodes in one process share. Thread-safe.</summary>
internal sealed class SharedMemory(TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, SharedRoom> _rooms = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SharedMemoryBroker> _nodes = new(StringComparer.Ordinal);

    public void Add(string node, SharedMemoryBroker broker)
    {
        lock (_gate)
        {
            _nodes.Add(node, broker);
        }
    }

    public void Remove(string node)
    {
        lock (_gate)
        {
            _nodes.Remove(node);
        }
    }

    // begin: publish
    public StreamPosition Publish(string room, Publication publication, RoomRule rule)
    {
        lock (_gate)
        {
            StreamPosition position = new("", 0);
            if (rule.KeepsHistory)
            {
                publication = RoomOf(room).Append(publication, rule, time.GetUtcNow());
                position = RoomOf(room).Top;
            }

            // Inside the lock: every node is given the publications in the order of their offsets. A sink only queues them.
            foreach (SharedMemoryBroker node in _nodes.Values)
            {
                node.Announce(room, sink => sink.OnPublication(room, publication, position.Epoch));
            }

            return position;
        }
    }

    // end
    public void SetPresence(string room, RoomMember member, TimeSpan lifetime)
    {
        lock (_gate)
        {
            if (RoomOf(room).SetPresence(member, lifetime, time.GetUtcNow()))
            {
                AnnouncePresenceInsideLock(room, member, hasJoined: true);
            }
        }
    }

    public void RemovePresence(string room, string client)
    {
        lock (_gate)
        {
            if (RoomOf(room).RemovePresence(client) is { } member)
            {
                AnnouncePresenceInsideLock(room, member, hasJoined: false);
            }
        }
    }

    public T With<T>(string room, Func<SharedRoom, DateTimeOffset, T> use)
    {
        lock (_gate)
        {
            return use(RoomOf(room), time.GetUtcNow());
        }
    }

    public void SendControl(string? node, string sender, ReadOnlyMemory<byte> message)
    {
        lock (_gate)
        {
            foreach ((string id, SharedMemoryBroker broker) in _nodes)
            {
                if (node is null ? id != sender : id == node)
                {
                    broker.Control(message);
                }
            }
        }
    }

    private void AnnouncePresenceInsideLock(string room, RoomMember member, bool hasJoined)
    {
        foreach (SharedMemoryBroker node in _nodes.Values)
        {
            node.Announce(room, sink => sink.OnPresenceChanged(room, member, hasJoined));
        }
    }

    private SharedRoom RoomOf(string room)
    {
        if (!_rooms.TryGetValue(room, out SharedRoom? found))
        {
            _rooms.Add(room, found = new SharedRoom());
        }

        return found;
    }
}
