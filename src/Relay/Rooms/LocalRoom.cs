using System.Diagnostics.CodeAnalysis;
using Weir.Relay.Brokers;
using Weir.Relay.Diagnostics;
using Weir.Relay.Nodes;
using Weir.Rooms;

namespace Weir.Relay.Rooms;

/// <summary>
/// A room as one node of the relay has it: its members here, and the position up to which they were given publications. Obtained from a
/// <see cref="RelayNode"/>; thread-safe.
/// </summary>
/// <remarks>
/// <para>Every event of the room goes into its inbox and is processed by one thread at a time, its event loop. That keeps the broker's
/// order, returns a broker's thread immediately, and sends a burst as one batch. Only a plain room, one that needs no broker, has no event
/// loop.</para>
/// <para>It is created for the first member and removed after the last one has left.</para>
/// </remarks>
public sealed class LocalRoom : IBrokerSubscriptionOwner
{
    private readonly IRoomNode _node;
    private readonly BrokerSubscription _subscription;
    private RoomEventLoop? _eventLoop;
    private RoomPresence? _presence;
    private Outbox? _outbox;
    private Room? _members;
    private volatile bool _isPlain;

    internal LocalRoom(string name, IRoomNode node)
    {
        Name = name;
        _node = node;
        Rule = node.Settings.Rules.Of(name);
        Broker = node.Broker.For(Rule);
        _isPlain = Broker.IsSingleNode && !Rule.KeepsHistory;
        _subscription = new BrokerSubscription(this);
        StoredRule = Rule.Durable ? Rule : Rule with { Durable = true };
        Phase = (uint)StringComparer.Ordinal.GetHashCode(name);
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>The room's rule.</summary>
    public RoomRule Rule { get; }

    /// <summary>The broker that carries the room.</summary>
    internal IBroker Broker { get; }

    /// <summary>The same rule for a publisher that is notified if the broker does not store its publication.</summary>
    internal RoomRule StoredRule { get; }

    /// <summary>
    /// The epoch of the publications that audiences are given now; empty if the room keeps no history. For an audience, in its own calls.
    /// </summary>
    public string Epoch => _eventLoop?.Epoch ?? "";

    /// <summary>The number of members on this node: connections, and listeners of all protocols.</summary>
    public int Listeners => _subscription.References;

    /// <summary>
    /// Whether a publish needs only the members of this node: the broker has no other node and keeps no history of the room, and there is
    /// no audience. Never becomes true again: publications that went through the inbox before must not be overtaken.
    /// </summary>
    internal bool IsPlain => _isPlain;

    internal BrokerSubscription Subscription => _subscription;

    /// <summary>The room's turn in maintenance that is spread over time.</summary>
    internal uint Phase { get; }

    internal RoomEventLoop EventLoop => _eventLoop ?? Interlocked.CompareExchange(
        ref _eventLoop, new RoomEventLoop(this, _node), null) ?? _eventLoop;

    internal Outbox? OutboxIfAny => _outbox;

    internal Outbox Outbox => _outbox ?? Interlocked.CompareExchange(
        ref _outbox, new Outbox(_node.Settings.MaxPublishesInFlightPerRoom), null) ?? _outbox;

    internal RoomPresence Presence => _presence ?? Interlocked.CompareExchange(
        ref _presence, new RoomPresence(Name, _node.Broker, _node.Settings.PresenceLifetime, _node.Logger), null) ?? _presence;

    /// <summary>Gets the members that are sent publications verbatim, if there are any.</summary>
    internal bool TryGetMembers([NotNullWhen(true)] out Room? members)
    {
        // A room of the engine that has lost its last member stays empty forever; another of its name replaces it.
        members = _members;
        if (members is not { Count: > 0 })
        {
            _node.Members.TryGet(Name, out members);
            _members = members;
        }

        return members is not null;
    }

    /// <summary>The room gets an audience: publications must go through the inbox from now on.</summary>
    internal void EndPlain() => _isPlain = false;

    /// <summary>One step of the node's maintenance.</summary>
    /// <param name="isCheckDue">It is this room's turn to compare its position.</param>
    /// <param name="isRefreshDue">It is this room's turn to refresh its presence.</param>
    internal void Maintain(bool isCheckDue, bool isRefreshDue)
    {
        if (_subscription.MustRetry)
        {
            _subscription.Retry();
        }

        if (Rule.KeepsHistory && (isCheckDue || EventLoop.IsReadDue))
        {
            EventLoop.Post(RoomEvent.Check);
        }

        if (isRefreshDue)
        {
            _presence?.Refresh();
        }
    }

    /// <summary>The broker is unavailable: members of this node are given each other's messages without it.</summary>
    internal void OnBrokerUnavailable()
    {
        if (_outbox is { Count: > 0 })
        {
            EventLoop.Post(RoomEvent.BrokerUnavailable);
        }
    }

    async ValueTask<bool> IBrokerSubscriptionOwner.SubscribeAsync()
    {
        try
        {
            await _node.Broker.SubscribeAsync(Name, CancellationToken.None).ConfigureAwait(false);
            if (Rule.KeepsHistory)
            {
                // A joining member is notified once the position is known: from there on no publication can be missed without being
                // noticed.
                RoomHistory top = await _node.ReadHistoryAsync(this, new HistoryQuery(Since: null, Limit: 0)).ConfigureAwait(false);
                EventLoop.Post(RoomEvent.Located(top));
            }

            return true;
        }
        catch (BrokerUnavailableException error)
        {
            RelayLog.BrokerNotAsked(_node.Logger, error, Name); // the broker subscribes when it is available again
        }
        catch (Exception error)
        {
            RelayLog.BrokerFailed(_node.Logger, error, Name);
        }

        _node.Maintain(this);
        if (Rule.KeepsHistory)
        {
            EventLoop.Post(RoomEvent.Check);
        }

        return false;
    }

    async ValueTask IBrokerSubscriptionOwner.UnsubscribeAsync()
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

    void IBrokerSubscriptionOwner.OnSubscribing()
    {
        if (Rule.KeepsHistory)
        {
            EventLoop.Post(RoomEvent.Reset);
        }
    }

    void IBrokerSubscriptionOwner.OnGone() => _node.Forget(this);
}
