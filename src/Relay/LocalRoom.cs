using System.Diagnostics.CodeAnalysis;
using Weir.Relay.Diagnostics;
using Weir.Relay.Rooms;

namespace Weir.Relay;

/// <summary>
/// A room as one node has it: those here who are in it, and up to where it has been delivered to them. Got from a
/// <see cref="RelayNode"/>; thread-safe.
/// </summary>
/// <remarks>
/// <para>Everything that happens to the room goes into its inbox and is taken from there by one thread at a time, its
/// drain. That is what makes the order the broker's, lets a broker's thread go at once, and lets what comes in a burst
/// leave in one piece. Only a plain room, one that needs no broker, does without.</para>
/// <para>It is made when somebody comes and forgotten when the last one has left.</para>
/// </remarks>
public sealed class LocalRoom : IRoomLinkOwner
{
    private readonly RelayNode _node;
    private readonly RoomLink _link;
    private RoomDrain? _drain;
    private RoomPresence? _presence;
    private Outbox? _outbox;
    private Room? _members;
    private volatile bool _isPlain;

    internal LocalRoom(string name, RelayNode node)
    {
        Name = name;
        _node = node;
        Rule = node.Options.Rules.Of(name);
        _isPlain = node.Broker.IsSingleNode && !Rule.KeepsHistory;
        _link = new RoomLink(this);
        StoredRule = Rule.Durable ? Rule : Rule with { Durable = true };
        Phase = (uint)StringComparer.Ordinal.GetHashCode(name);
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>The rule it is kept by.</summary>
    public RoomRule Rule { get; }

    /// <summary>The same rule for a publisher that is notified if the broker does not store what it publishes.</summary>
    internal RoomRule StoredRule { get; }

    /// <summary>
    /// The epoch of the publications that audiences are given now; empty where the room keeps no history. For an audience, in
    /// its own calls.
    /// </summary>
    public string Epoch => _drain?.Epoch ?? "";

    /// <summary>How many on this node are in it: connections, and listeners of all protocols.</summary>
    public int Listeners => _link.References;

    /// <summary>
    /// Whether a publish needs nothing but the members of this node: the broker has no other node and keeps no history of
    /// the room, and no audience has come. Never turns true again: what went through the inbox before must not be overtaken.
    /// </summary>
    internal bool IsPlain => _isPlain;

    internal RoomLink Link => _link;

    /// <summary>Where the room stands in upkeep that is spread over time.</summary>
    internal uint Phase { get; }

    internal RoomDrain Drain => _drain ?? Interlocked.CompareExchange(ref _drain, new RoomDrain(this, _node), null) ?? _drain;

    internal Outbox? OutboxIfAny => _outbox;

    internal Outbox Outbox => _outbox ?? Interlocked.CompareExchange(ref _outbox, new Outbox(_node.Options.MaxPublishesInFlightPerRoom), null) ?? _outbox;

    internal RoomPresence Presence => _presence ?? Interlocked.CompareExchange(
        ref _presence, new RoomPresence(Name, _node.Broker, _node.Options.PresenceLifetime, _node.Logger), null) ?? _presence;

    /// <summary>The members that get publications verbatim, if there are any.</summary>
    internal bool TryGetMembers([NotNullWhen(true)] out Room? members)
    {
        // A room of the engine that has lost its last member stays empty for ever; another of its name takes its place.
        members = _members;
        if (members is not { Count: > 0 })
        {
            _node.Members.TryGet(Name, out members);
            _members = members;
        }

        return members is not null;
    }

    /// <summary>Something other than members wants to hear: publications must go through the inbox from now on.</summary>
    internal void EndPlain() => _isPlain = false;

    /// <summary>One step of the node's upkeep.</summary>
    /// <param name="isCheckDue">It is this room's turn to compare its position.</param>
    /// <param name="isRefreshDue">It is this room's turn to refresh its presence.</param>
    internal void Tend(bool isCheckDue, bool isRefreshDue)
    {
        if (_link.MustRetry)
        {
            _link.Retry();
        }

        if (Rule.KeepsHistory && (isCheckDue || Drain.IsReadDue))
        {
            Drain.Post(new RoomEvent(RoomEventKind.Check));
        }

        if (isRefreshDue)
        {
            _presence?.Refresh();
        }
    }

    /// <summary>The broker is away: members of this node hear each other without it.</summary>
    internal void OnBrokerAway()
    {
        if (_outbox is { Count: > 0 })
        {
            Drain.Post(new RoomEvent(RoomEventKind.Away));
        }
    }

    async ValueTask<bool> IRoomLinkOwner.SubscribeAsync()
    {
        try
        {
            await _node.Broker.SubscribeAsync(Name, CancellationToken.None).ConfigureAwait(false);
            if (Rule.KeepsHistory)
            {
                // Whoever waits to be in the room is told when its position is known: from there on nothing can be missed
                // without being noticed.
                RoomHistory top = await _node.ReadHistoryAsync(this, new HistoryQuery(Since: null, Limit: 0)).ConfigureAwait(false);
                Drain.Post(new RoomEvent(RoomEventKind.Located, top));
            }

            return true;
        }
        catch (BrokerUnavailableException error)
        {
            RelayLog.BrokerNotAsked(_node.Logger, error, Name); // it sees to it when it is back
        }
        catch (Exception error)
        {
            RelayLog.BrokerFailed(_node.Logger, error, Name);
        }

        _node.Tend(this);
        if (Rule.KeepsHistory)
        {
            Drain.Post(new RoomEvent(RoomEventKind.Check));
        }

        return false;
    }

    async ValueTask IRoomLinkOwner.UnsubscribeAsync()
    {
        try
        {
            await _node.Broker.UnsubscribeAsync(Name, CancellationToken.None).ConfigureAwait(false);
        }
        catch (BrokerUnavailableException error)
        {
            RelayLog.BrokerNotAsked(_node.Logger, error, Name); // a lost link has no subscriptions
        }
        catch (Exception error)
        {
            RelayLog.BrokerFailed(_node.Logger, error, Name);
        }
    }

    void IRoomLinkOwner.OnSubscribing()
    {
        if (Rule.KeepsHistory)
        {
            Drain.Post(new RoomEvent(RoomEventKind.Reset));
        }
    }

    void IRoomLinkOwner.OnGone() => _node.Forget(this);
}
