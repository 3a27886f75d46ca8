using Weir.Relay.Brokers;
using Weir.Testing;

namespace Weir.TestSupport;

/// <summary>
/// A broker whose calls the test answers, and when. What is not scripted succeeds at once: publishes are
/// announced and numbered, the history is what was published.
/// </summary>
public sealed class ScriptedBroker : IBroker
{
    private readonly Lock _lock = new();
    private readonly List<string> _calls = [];
    private readonly Dictionary<string, List<Publication>> _history = [];
    private readonly Dictionary<string, int> _skipped = [];
    private IBrokerSink? _sink;

    public bool IsSingleNode { get; init; }

    public bool KeepsHistory { get; init; } = true;

    public BrokerHealth Health { get; private set; } = BrokerHealth.Up;

    public string Epoch { get; set; } = "e1";

    /// <summary>Every call that has begun, as "subscribe a".</summary>
    public IReadOnlyList<string> Calls
    {
        get
        {
            lock (_lock)
            {
                return [.. _calls];
            }
        }
    }

    public Func<string, Task>? OnSubscribe { get; set; }

    public Func<string, Task>? OnUnsubscribe { get; set; }

    public Func<string, Publication, ValueTask<StreamPosition>>? OnPublish { get; set; }

    public Func<string, HistoryQuery, Task<RoomHistory>>? OnReadHistory { get; set; }

    /// <summary>Whether a publication that is taken is also announced.</summary>
    public bool Announces { get; set; } = true;

    public List<(string? Node, byte[] Message)> Controls { get; } = [];

    public IBrokerSink Sink => _sink!;

    public Task StartAsync(IBrokerSink sink, CancellationToken cancellationToken)
    {
        _sink = sink;
        return Task.CompletedTask;
    }

    public void SetHealth(BrokerHealth health)
    {
        Health = health;
        Sink.OnHealthChanged(health);
    }

    public async ValueTask SubscribeAsync(string room, CancellationToken cancellationToken)
    {
        Note("subscribe " + room);
        await (OnSubscribe?.Invoke(room) ?? Task.CompletedTask);
    }

    public async ValueTask UnsubscribeAsync(string room, CancellationToken cancellationToken)
    {
        Note("unsubscribe " + room);
        await (OnUnsubscribe?.Invoke(room) ?? Task.CompletedTask);
    }

    public ValueTask<StreamPosition> PublishAsync(string room, Publication publication, RoomRule rule, CancellationToken cancellationToken)
        => OnPublish?.Invoke(room, publication) ?? new(Take(room, publication, rule.KeepsHistory));

    public ValueTask<StreamPosition> SkipAsync(string room, RoomRule rule, CancellationToken cancellationToken)
    {
        Note("skip " + room);
        lock (_lock)
        {
            _skipped[room] = _skipped.GetValueOrDefault(room) + 1;
            return new(new StreamPosition(Epoch, HistoryOf(room).Count + _skipped[room]));
        }
    }

    public async ValueTask<RoomHistory> ReadHistoryAsync(string room, HistoryQuery query, RoomRule rule,
        CancellationToken cancellationToken)
    {
        Note("read " + room);
        return await (OnReadHistory?.Invoke(room, query) ?? Task.FromResult(Read(room, query)));
    }

    public ValueTask RemoveHistoryAsync(string room, CancellationToken cancellationToken) => default;

    public ValueTask SetPresenceAsync(string room, RoomMember member, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        Note($"present {room} {member.Client} {lifetime.TotalSeconds}");
        return default;
    }

    public ValueTask RemovePresenceAsync(string room, string client, CancellationToken cancellationToken)
    {
        Note($"absent {room} {client}");
        return default;
    }

    public ValueTask<IReadOnlyList<RoomMember>> ReadPresenceAsync(string room, CancellationToken cancellationToken) => new([]);

    public ValueTask SendControlAsync(string? node, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        Controls.Add((node, message.ToArray()));
        return default;
    }

    public ValueTask DisposeAsync() => default;

    /// <summary>What the broker does with a publication that reaches it.</summary>
    public StreamPosition Take(string room, Publication publication, bool keep = true)
    {
        lock (_lock)
        {
            StreamPosition position = new("", 0);
            if (keep)
            {
                List<Publication> history = HistoryOf(room);
                _skipped[room] = _skipped.GetValueOrDefault(room) + (publication.IsAfterLoss ? 1 : 0);
                publication = publication.WithOffset(history.Count + _skipped[room] + 1);
                history.Add(publication);
                position = new StreamPosition(Epoch, publication.Offset);
            }

            if (Announces)
            {
                Sink.OnPublication(room, publication, position.Epoch);
            }

            return position;
        }
    }

    /// <summary>Something that another node publishes.</summary>
    public StreamPosition Take(string room, string text, bool keep = true)
        => Take(room, new Publication { Data = System.Text.Encoding.UTF8.GetBytes(text), Node = "other", NodeSequence = 1 }, keep);

    /// <summary>Begins anew, without data.</summary>
    public void Forget(string epoch)
    {
        lock (_lock)
        {
            _history.Clear();
            _skipped.Clear();
            Epoch = epoch;
        }
    }

    /// <summary>Loses the newest publications of a room, as a fail-over to a replica that lags behind.</summary>
    public void RollBack(string room, int publications)
    {
        lock (_lock)
        {
            List<Publication> history = HistoryOf(room);
            history.RemoveRange(history.Count - publications, publications);
        }
    }

    /// <summary>What a read gives: of the history only what has an offset of at least <paramref name="from"/> is kept.</summary>
    public RoomHistory Read(string room, HistoryQuery query, long from = 1)
    {
        lock (_lock)
        {
            List<Publication> history = HistoryOf(room);
            return new RoomHistory(
                query.Limit == 0 ? [] : [.. history.Where(each => each.Offset > (query.Since?.Offset ?? 0) && each.Offset >= from)],
                new StreamPosition(Epoch, history.Count + _skipped.GetValueOrDefault(room)));
        }
    }

    /// <summary>Rooms in which streams keep their positions.</summary>
    public IReadOnlyList<string> Streams
    {
        get
        {
            lock (_lock)
            {
                return [.. _history.Keys.Where(static room => room.StartsWith("$weir:stream:", StringComparison.Ordinal))];
            }
        }
    }

    public Task HasCalledAsync(string call, int times = 1)
        => Bounded.Eventually(() => Calls.Count(each => each == call) >= times, what: $"{times} x {call}");

    private List<Publication> HistoryOf(string room)
    {
        if (!_history.TryGetValue(room, out List<Publication>? history))
        {
            _history.Add(room, history = []);
        }

        return history;
    }

    private void Note(string call)
    {
        lock (_lock)
        {
            _calls.Add(call);
        }
    }
}
