using Weir.Relay.Brokers;
using Weir.Relay.Nodes;

namespace Weir.Relay;

/// <summary>
/// Several brokers, each for the rooms whose rule names it (<see cref="RoomRule.Broker"/>): rooms without history on a broker that announces
/// cheaply, for example, and rooms with history on one that stores. Thread-safe.
/// </summary>
/// <remarks>
/// The main broker carries the rooms whose rule names none, the nodes' own rooms, and messages between nodes. An outage of one broker has
/// an effect on its rooms only; <see cref="Health"/> is the worst of all.
/// </remarks>
public sealed class RoutingBroker : IBroker
{
    private readonly IBroker _main;
    private readonly Dictionary<string, IBroker> _others;
    private readonly RoomRules _rules;
    private readonly Lock _gate = new();
    private IBrokerSink? _sink;

    /// <summary>Creates it from brokers that have not been started; it starts and disposes them.</summary>
    /// <param name="main">The main broker.</param>
    /// <param name="others">The others by the names that the rules use.</param>
    /// <param name="rules">The rules of the node, <see cref="RelayOptions.Rules"/>.</param>
    /// <exception cref="ArgumentException">
    /// A rule names none of the brokers, or has history on one that keeps none; or some of them connect nodes and others do not.
    /// </exception>
    public RoutingBroker(IBroker main, IReadOnlyDictionary<string, IBroker> others, RoomRules rules)
    {
        ArgumentNullException.ThrowIfNull(main);
        ArgumentNullException.ThrowIfNull(others);
        ArgumentNullException.ThrowIfNull(rules);
        _main = main;
        _others = new Dictionary<string, IBroker>(others, StringComparer.Ordinal);
        _rules = rules;
        foreach (RoomRule rule in rules.All)
        {
            if (rule.Broker is { } name && !_others.ContainsKey(name))
            {
                throw new ArgumentException($"The rule of {rule.Pattern} names a broker that there is not: {name}.", nameof(rules));
            }

            if (rule.KeepsHistory && !For(rule).KeepsHistory)
            {
                throw new ArgumentException(
                    $"The rule of {rule.Pattern} has history, and its broker keeps none: set HistorySize to 0, or name another broker.",
                    nameof(rules));
            }
        }

        if (_others.FirstOrDefault(other => other.Value.IsSingleNode != main.IsSingleNode).Key is { } different)
        {
            throw new ArgumentException(
                $"The broker {different} and the main one must both connect nodes, or both be for a single node.", nameof(others));
        }
    }

    /// <inheritdoc />
    public bool IsSingleNode => _main.IsSingleNode;

    /// <summary>Whether the main broker can number and store publications.</summary>
    public bool KeepsHistory => _main.KeepsHistory;

    /// <summary>
    /// The worst of all: <see cref="BrokerHealth.Degraded"/> if any cannot be reached, else <see cref="BrokerHealth.Refusing"/> if any
    /// does not store.
    /// </summary>
    public BrokerHealth Health
    {
        get
        {
            BrokerHealth worst = _main.Health;
            foreach (IBroker other in _others.Values)
            {
                worst = (worst, other.Health) switch
                {
                    (BrokerHealth.Degraded, _) or (_, BrokerHealth.Degraded) => BrokerHealth.Degraded,
                    (BrokerHealth.Refusing, _) or (_, BrokerHealth.Refusing) => BrokerHealth.Refusing,
                    _ => BrokerHealth.Up,
                };
            }

            return worst;
        }
    }

    /// <inheritdoc />
    public IBroker For(RoomRule rule)
    {
        ArgumentNullException.ThrowIfNull(rule);
        return rule.Broker is { } name ? _others[name] : _main;
    }

    /// <inheritdoc />
    public async Task StartAsync(IBrokerSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(sink);
        _sink = sink;
        await _main.StartAsync(new Part(this, _main), cancellationToken).ConfigureAwait(false);
        foreach (IBroker other in _others.Values)
        {
            await other.StartAsync(new Part(this, other), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc />
    public ValueTask<StreamPosition> PublishAsync(string room, Publication publication, RoomRule rule, CancellationToken cancellationToken)
        => For(rule).PublishAsync(room, publication, rule, cancellationToken);

    /// <inheritdoc />
    public ValueTask SubscribeAsync(string room, CancellationToken cancellationToken) => Of(room).SubscribeAsync(room, cancellationToken);

    /// <inheritdoc />
    public ValueTask UnsubscribeAsync(string room, CancellationToken cancellationToken)
        => Of(room).UnsubscribeAsync(room, cancellationToken);

    /// <inheritdoc />
    public ValueTask<RoomHistory> ReadHistoryAsync(
        string room, HistoryQuery query, RoomRule rule, CancellationToken cancellationToken)
        => For(rule).ReadHistoryAsync(room, query, rule, cancellationToken);

    /// <inheritdoc />
    public ValueTask<StreamPosition> SkipAsync(string room, RoomRule rule, CancellationToken cancellationToken)
        => For(rule).SkipAsync(room, rule, cancellationToken);

    /// <inheritdoc />
    public ValueTask RemoveHistoryAsync(string room, CancellationToken cancellationToken)
        => Of(room).RemoveHistoryAsync(room, cancellationToken);

    /// <inheritdoc />
    public ValueTask SetPresenceAsync(string room, RoomMember member, TimeSpan lifetime, CancellationToken cancellationToken)
        => Of(room).SetPresenceAsync(room, member, lifetime, cancellationToken);

    /// <inheritdoc />
    public ValueTask RemovePresenceAsync(string room, string client, CancellationToken cancellationToken)
        => Of(room).RemovePresenceAsync(room, client, cancellationToken);

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<RoomMember>> ReadPresenceAsync(string room, CancellationToken cancellationToken)
        => Of(room).ReadPresenceAsync(room, cancellationToken);

    /// <inheritdoc />
    public ValueTask SendControlAsync(string? node, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
        => _main.SendControlAsync(node, message, cancellationToken);

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        foreach (IBroker other in _others.Values)
        {
            await other.DisposeAsync().ConfigureAwait(false);
        }

        await _main.DisposeAsync().ConfigureAwait(false);
    }

    private IBroker Of(string room)
    {
        ArgumentNullException.ThrowIfNull(room);
        return room.StartsWith(RelayNode.ReservedPrefix, StringComparison.Ordinal) ? _main : For(_rules.Of(room));
    }

    /// <summary>The sink of one broker.</summary>
    private sealed class Part(RoutingBroker whole, IBroker broker) : IBrokerSink
    {
        private readonly IBrokerSink _sink = whole._sink!;

        public string NodeId => _sink.NodeId;

        public void OnBatchBegins() => _sink.OnBatchBegins();

        public void OnBatchEnded() => _sink.OnBatchEnded();

        public void OnPublication(string room, Publication publication, string epoch)
        {
            // A node whose rules name another broker for the room may publish here; the digest of its rules differs then.
            if (whole.Of(room) == broker)
            {
                _sink.OnPublication(room, publication, epoch);
            }
        }

        public void OnPresenceChanged(string room, RoomMember member, bool hasJoined)
        {
            if (whole.Of(room) == broker)
            {
                _sink.OnPresenceChanged(room, member, hasJoined);
            }
        }

        public void OnControl(ReadOnlyMemory<byte> message) => _sink.OnControl(message);

        public void OnHealthChanged(BrokerHealth health)
        {
            lock (whole._gate)
            {
                _sink.OnHealthChanged(health, broker);
            }
        }
    }
}
