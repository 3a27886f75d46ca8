using Weir.Relay.Brokers;

namespace Weir.Relay.Tests.Nodes;

/// <summary>
/// A broker in memory of which one in so many announcements is lost, and whose answers take a moment. It can lose its
/// memory. Several may share one memory, as nodes share a server.
/// </summary>
internal sealed class LossyBroker(LossyBroker.Memory memory, int seed, int lostOf) : IBroker, IBrokerSink
{
    private readonly Random _random = new(seed);
    private readonly Lock _lock = new();
    private IBrokerSink? _sink;

    public bool IsSingleNode => false;

    public BrokerHealth Health => BrokerHealth.Up;

    public string NodeId => _sink!.NodeId;

    public Task StartAsync(IBrokerSink sink, CancellationToken cancellationToken)
    {
        _sink = sink;
        return Task.CompletedTask;
    }

    public async ValueTask<StreamPosition> PublishAsync(string room, Publication publication, RoomRule rule,
        CancellationToken cancellationToken)
    {
        StreamPosition position = await memory.PublishAsync(room, publication, rule); // at once, as the order demands
        await Task.Yield();
        return position;
    }

    public async ValueTask SubscribeAsync(string room, CancellationToken cancellationToken)
    {
        await Task.Yield();
        memory.Subscribe(room, this);
        await Task.Yield();
    }

    public async ValueTask UnsubscribeAsync(string room, CancellationToken cancellationToken)
    {
        await Task.Yield();
        memory.Unsubscribe(room, this);
        await Task.Yield();
    }

    public async ValueTask<RoomHistory> ReadHistoryAsync(string room, HistoryQuery query, RoomRule rule,
        CancellationToken cancellationToken)
    {
        await Task.Yield();
        RoomHistory history = await memory.ReadAsync(room, query, rule);
        await Task.Yield();
        return history;
    }

    public ValueTask RemoveHistoryAsync(string room, CancellationToken cancellationToken) => default;

    public ValueTask SetPresenceAsync(string room, RoomMember member, TimeSpan lifetime, CancellationToken cancellationToken) => default;

    public ValueTask RemovePresenceAsync(string room, string client, CancellationToken cancellationToken) => default;

    public ValueTask<IReadOnlyList<RoomMember>> ReadPresenceAsync(string room, CancellationToken cancellationToken) => new([]);

    public ValueTask SendControlAsync(string? node, ReadOnlyMemory<byte> message, CancellationToken cancellationToken) => default;

    public ValueTask DisposeAsync() => default;

    public void OnPublication(string room, Publication publication, string epoch)
    {
        lock (_lock)
        {
            if (_random.Next(lostOf) == 0)
            {
                return;
            }
        }

        _sink!.OnPublication(room, publication, epoch);
    }

    public void OnPresenceChanged(string room, RoomMember member, bool hasJoined)
    {
    }

    public void OnControl(ReadOnlyMemory<byte> message)
    {
    }

    public void OnHealthChanged(BrokerHealth health)
    {
    }

    /// <summary>What nodes share.</summary>
    internal sealed class Memory : IBrokerSink, IAsyncDisposable
    {
        private readonly Dictionary<string, HashSet<LossyBroker>> _subscribers = [];
        private MemoryBroker _broker = new();

        public Memory() => _broker.StartAsync(this, CancellationToken.None);

        public string NodeId => "memory";

        public ValueTask DisposeAsync() => _broker.DisposeAsync();

        /// <summary>Begins anew, without data.</summary>
        public void Forget()
        {
            lock (_subscribers)
            {
                _broker = new MemoryBroker();
                _broker.StartAsync(this, CancellationToken.None);
                foreach (string room in _subscribers.Keys)
                {
                    _ = _broker.SubscribeAsync(room, CancellationToken.None).AsTask();
                }
            }
        }

        public ValueTask<StreamPosition> PublishAsync(string room, Publication publication, RoomRule rule)
        {
            lock (_subscribers)
            {
                return _broker.PublishAsync(room, publication, rule, CancellationToken.None);
            }
        }

        public ValueTask<RoomHistory> ReadAsync(string room, HistoryQuery query, RoomRule rule)
        {
            lock (_subscribers)
            {
                return _broker.ReadHistoryAsync(room, query, rule, CancellationToken.None);
            }
        }

        public long TopOf(string room)
        {
            lock (_subscribers)
            {
                return _broker.ReadHistoryAsync(room, new(null, 0), new RoomRule { HistorySize = 1 }, CancellationToken.None).AsTask()
                    .Result.Top.Offset;
            }
        }

        public void Subscribe(string room, LossyBroker node)
        {
            lock (_subscribers)
            {
                if (!_subscribers.TryGetValue(room, out HashSet<LossyBroker>? nodes))
                {
                    _subscribers.Add(room, nodes = []);
                    _ = _broker.SubscribeAsync(room, CancellationToken.None).AsTask();
                }

                nodes.Add(node);
            }
        }

        public void Unsubscribe(string room, LossyBroker node)
        {
            lock (_subscribers)
            {
                _subscribers[room].Remove(node);
            }
        }

        // Inside the lock: the broker calls it from its publish.
        public void OnPublication(string room, Publication publication, string epoch)
        {
            foreach (LossyBroker node in _subscribers[room])
            {
                node.OnPublication(room, publication, epoch);
            }
        }

        public void OnPresenceChanged(string room, RoomMember member, bool hasJoined)
        {
        }

        public void OnControl(ReadOnlyMemory<byte> message)
        {
        }

        public void OnHealthChanged(BrokerHealth health)
        {
        }
    }
}
