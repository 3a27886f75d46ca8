using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Weir.Diagnostics;
using Weir.Relay.Access;
using Weir.Relay.Brokers;
using Weir.Relay.Diagnostics;
using Weir.Relay.Rooms;
using Weir.Rooms;
using Weir.Timing;

namespace Weir.Relay.Nodes;

/// <summary>
/// The relay's rooms on this node: connects the node's connections and other listeners to the broker. A service of the application once
/// <see cref="RelayServiceCollectionExtensions.AddWeirRelay"/> was called. Thread-safe.
/// </summary>
/// <remarks>
/// <para>The node has one broker subscription for each room with members here. A publication returns from the broker, to this node like
/// to all others, and is delivered in the broker's order.</para>
/// <para>While the broker is unavailable the node delivers its members' messages to each other, and durable rooms refuse publishes. When it
/// is available again, and periodically, each room with history compares its position with the broker's: missed publications are delivered
/// in order, or subscribers that count on them are notified of the loss.</para>
/// </remarks>
public sealed partial class RelayNode : IBrokerSink, IRoomNode, IAsyncDisposable
{
    /// <summary>Room names beginning with this are reserved.</summary>
    internal const string ReservedPrefix = "$weir:";

    private readonly ConcurrentDictionary<string, LocalRoom> _rooms = new(StringComparer.Ordinal);
    private readonly TimeProvider _time;
    private readonly RunningTimeouts _brokerTimeouts;
    private Task? _started;
    private readonly HashSet<IBroker> _available = []; // their notifications come one after another

    /// <summary>Creates a node; <see cref="StartAsync"/> must be called before it is used.</summary>
    /// <param name="broker">The broker, not started yet; the node starts and disposes it.</param>
    /// <param name="members">The rooms of members that are sent publications verbatim; <c>null</c> creates a directory.</param>
    /// <param name="options">Settings; <c>null</c> for the defaults.</param>
    /// <param name="loggers">The logger factory; <c>null</c> for no logs.</param>
    /// <param name="meters">The meter factory; <c>null</c> for a meter of its own.</param>
    /// <param name="time">The time provider; <c>null</c> for the system's clock.</param>
    /// <exception cref="ArgumentException">A rule has history, and the broker keeps none.</exception>
    public RelayNode(
        IBroker broker,
        RoomDirectory? members = null,
        RelayOptions? options = null,
        ILoggerFactory? loggers = null,
        IMeterFactory? meters = null,
        TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(broker);
        Broker = broker;
        Members = members ?? new RoomDirectory();
        Settings = (options ?? new RelayOptions()).ToSettings();
        if (Settings.Rules.All.FirstOrDefault(rule => rule.KeepsHistory && !broker.For(rule).KeepsHistory) is { } kept)
        {
            throw new ArgumentException(
                $"The broker keeps no history, and the rule of {kept.Pattern} has a HistorySize of {kept.HistorySize}: set it to 0, "
                + "or use another broker.", nameof(options));
        }

        Metrics = new RelayMetrics(meters)
        {
            Rooms = () => _rooms.Count,
            IsUp = () => Health == BrokerHealth.Up,
            NodesWithOtherRules = () => _nodesWithOtherRules.Length
        };
        _time = time ?? TimeProvider.System;
        Logger = (loggers ?? NullLoggerFactory.Instance).CreateLimitedLogger(RelayLog.Category, _time);
        Copies = new RecentCopies(_time);
        _brokerTimeouts = new RunningTimeouts(Settings.BrokerTimeout, _time);
        _publishPermits = new SemaphoreSlim(Settings.MaxPublishesInFlight);
        _disconnects = new DisconnectLog(this, DisconnectHere);
    }

    /// <summary>The id of this node; a new one after each start.</summary>
    public string NodeId { get; } = RandomNumberGenerator.GetHexString(16, lowercase: true);

    /// <summary>Gets the broker.</summary>
    public IBroker Broker { get; }

    /// <summary>The rooms of members that are sent publications verbatim.</summary>
    public RoomDirectory Members { get; }

    /// <summary>Whether the broker can be reached, and stores.</summary>
    public BrokerHealth Health => Broker.Health;

    /// <summary>Rooms with members on this node.</summary>
    public IEnumerable<LocalRoom> Rooms => _rooms.Values;

    internal RelaySettings Settings { get; }

    internal ILogger Logger { get; }

    internal RelayMetrics Metrics { get; }

    /// <summary>Messages to several rooms, of which a connection in more than one of them is sent one copy.</summary>
    internal RecentCopies Copies { get; }

    RelaySettings IRoomNode.Settings => Settings;

    ILogger IRoomNode.Logger => Logger;

    RelayMetrics IRoomNode.Metrics => Metrics;

    RecentCopies IRoomNode.Copies => Copies;

    long IRoomNode.LastSequence => LastSequence;

    /// <summary>Starts the broker. Completes without waiting for one that is unavailable. A second call waits for the first.</summary>
    public Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (_started is null)
        {
            _started = Broker.StartAsync(this, cancellationToken);
            _startedAt = _time.GetTimestamp();
            StartMaintenance();
        }

        return _started;
    }

    /// <summary>Whether a room may have this name: <see cref="RoomOptions.Allows"/>, and it is not reserved.</summary>
    public bool Allows(string room) => Members.Options.Allows(room) && !room.StartsWith(ReservedPrefix, StringComparison.Ordinal);

    /// <summary>Returns what is wrong with the rooms that a client requests, as text for the client; <c>null</c> if valid.</summary>
    /// <param name="rooms">Their names, all of them.</param>
    public string? ComplaintAbout(IReadOnlyCollection<string> rooms)
    {
        ArgumentNullException.ThrowIfNull(rooms);
        RoomOptions limits = Members.Options;
        return rooms.Count == 0 || rooms.Contains("") ? "Name at least one room: ?room=NAME."
            : limits.MaxRoomsPerConnection > 0 && rooms.Count > limits.MaxRoomsPerConnection
            ? $"Name at most {limits.MaxRoomsPerConnection} rooms."
            : !rooms.All(limits.Allows) ? $"The name of a room has at most {limits.MaxNameBytes} bytes."
            : !rooms.All(Allows) ? "Room names beginning with $weir: are reserved."
            : null;
    }

    /// <summary>The rule of a room.</summary>
    public RoomRule RuleOf(string room) => _rooms.TryGetValue(room, out LocalRoom? local) ? local.Rule : Settings.Rules.Of(room);

    /// <summary>Gets the id of a member of this node, unique over all nodes.</summary>
    public string ClientIdOf(IRoomMember member)
    {
        ArgumentNullException.ThrowIfNull(member);
        return NodeId + "-" + member.Id;
    }

    /// <summary>
    /// Puts a member into a room to be sent every publication verbatim, except its own. <see cref="Leave"/> must follow once, at the
    /// latest when the member has ended.
    /// </summary>
    /// <param name="room">The room.</param>
    /// <param name="member">A WebSocket connection, or a client of another protocol or transport.</param>
    /// <param name="client">Its identity, for the room's presence; <c>null</c>: anonymous.</param>
    /// <param name="info">Its data in this room, as JSON for the presence; empty if none.</param>
    /// <returns>
    /// The room, once everything published from now on will be delivered, or after <see cref="RelayOptions.BrokerTimeout"/>; <c>null</c> if
    /// the member has ended, and then <see cref="Leave"/> must not be called.
    /// </returns>
    /// <exception cref="ArgumentException">The name is not allowed.</exception>
    /// <exception cref="InvalidOperationException">The member is in the permitted number of rooms already.</exception>
    public ValueTask<LocalRoom?> JoinAsync(
        string room, IRoomMember member, ClientIdentity? client = null, ReadOnlyMemory<byte> info = default)
    {
        ArgumentNullException.ThrowIfNull(member);
        LocalRoom local = Acquire(room, out Task ready);
        return ready.IsCompleted || Settings.BrokerTimeout == TimeSpan.Zero || local.Broker.Health == BrokerHealth.Degraded
            ? new(Enter(local, member, client, info))
            : WaitAsync();

        async ValueTask<LocalRoom?> WaitAsync()
        {
            using RunningTimeout timeout = new(_brokerTimeouts);
            await ready.WaitAsync(timeout.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return Enter(local, member, client, info);
        }
    }

    // Only now, when every announcement is delivered here: a member's messages have no gap from the first one on.
    private LocalRoom? Enter(LocalRoom room, IRoomMember member, ClientIdentity? client, ReadOnlyMemory<byte> info)
    {
        bool isIn = false;
        try
        {
            isIn = Members.Join(room.Name, member) is not null;
        }
        finally
        {
            if (!isIn)
            {
                room.Subscription.Release();
            }
        }

        if (isIn && room.Rule.Presence)
        {
            client ??= ClientIdentity.Anonymous;
            SetPresence(room, new RoomMember(ClientIdOf(member), client.User, client.Info, info));
        }

        return isIn ? room : null;
    }

    /// <summary>Removes a member from a room that <see cref="JoinAsync"/> put it into; also one that has ended.</summary>
    public void Leave(LocalRoom room, IRoomMember member)
    {
        ArgumentNullException.ThrowIfNull(room);
        ArgumentNullException.ThrowIfNull(member);
        Members.Leave(room.Name, member);
        if (room.Rule.Presence)
        {
            RemovePresence(room, ClientIdOf(member));
        }

        room.Subscription.Release();
    }

    /// <summary>
    /// Subscribes a listener to a room, from a position on if it gives one. <see cref="Unsubscribe"/> must follow once, unless this throws.
    /// </summary>
    /// <remarks>
    /// <para>Recovery: the listener is put into the room's order behind everything that it is given as missed, so no publication is missing
    /// between that and the first one that its audience is given, and none comes twice. It is recovered if the history reaches from its
    /// position to that point without a gap, in the same epoch.</para>
    /// <para>If many subscribe at the same time, one read of the history serves all.</para>
    /// </remarks>
    /// <param name="room">The room.</param>
    /// <param name="audiences">The listener's protocol.</param>
    /// <param name="listener">Notified when the subscription begins; it joins its audience there.</param>
    /// <param name="from">Its last position; <c>null</c> if it needs only new publications.</param>
    /// <param name="cancellationToken">Cancels a subscription that has not begun.</param>
    /// <returns>The room, after <see cref="IRoomListener.OnSubscribed"/> has returned.</returns>
    /// <exception cref="BrokerUnavailableException">
    /// The broker is unavailable, and the room keeps history: neither the missed publications nor the position from which on the listener
    /// is given everything can be determined. Temporary: the listener may retry. In a room without history it is subscribed even so.
    /// </exception>
    /// <exception cref="ArgumentException">The name is not allowed.</exception>
    public async Task<LocalRoom> SubscribeAsync(
        string room, IRoomAudienceFactory audiences, IRoomListener listener, StreamPosition? from, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(audiences);
        ArgumentNullException.ThrowIfNull(listener);
        LocalRoom local = Acquire(room, out Task ready);
        try
        {
            local.EndPlain();
            await ready.WaitAsync(cancellationToken).ConfigureAwait(false);
            Subscribing subscribing = new(audiences, listener, from);
            local.EventLoop.Post(RoomEvent.Subscribe(subscribing));
            using CancellationTokenRegistration givesUp = cancellationToken.UnsafeRegister(
                static (waiting, token) =>
                {
                    if (((Subscribing)waiting!).TryTake())
                    {
                        ((Subscribing)waiting).TrySetCanceled(token);
                    }
                },
                subscribing);
            await subscribing.Task.ConfigureAwait(false);
            return local;
        }
        catch
        {
            local.Subscription.Release();
            throw;
        }
    }

    /// <summary>Ends a subscription of <see cref="SubscribeAsync"/>, after the listener has left its audience.</summary>
    public void Unsubscribe(LocalRoom room)
    {
        ArgumentNullException.ThrowIfNull(room);
        room.Subscription.Release();
    }

    /// <summary>Records a client of this node as present until <see cref="RemovePresence"/>; refreshed by the node.</summary>
    public void SetPresence(LocalRoom room, RoomMember member)
    {
        ArgumentNullException.ThrowIfNull(room);
        room.Presence.Set(member);
        Maintain(room);
    }

    /// <summary>Records a client of this node as absent.</summary>
    public void RemovePresence(LocalRoom room, string client)
    {
        ArgumentNullException.ThrowIfNull(room);
        room.Presence.Remove(client);
    }

    /// <summary>Counts a response stream of another protocol as open; <see cref="CountStreamClosed"/> must follow once.</summary>
    [Experimental("WEIR001")]
    public void CountStreamOpened() => Metrics.StreamOpened();

    /// <summary>Counts it as closed.</summary>
    [Experimental("WEIR001")]
    public void CountStreamClosed() => Metrics.StreamClosed();

    /// <summary>Stops maintenance and disposes the broker.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopMaintenanceAsync().ConfigureAwait(false);
        _brokerTimeouts.Dispose();
        await Broker.DisposeAsync().ConfigureAwait(false);
    }

    void IBrokerSink.OnBatchBegins() => RoomEventBatch.Begin();

    void IBrokerSink.OnBatchEnded() => RoomEventBatch.End();

    void IBrokerSink.OnPublication(string room, Publication publication, string epoch)
    {
        if (_rooms.TryGetValue(room, out LocalRoom? local))
        {
            local.EventLoop.Post(RoomEvent.Announced(publication, epoch));
        }
    }

    void IBrokerSink.OnPresenceChanged(string room, RoomMember member, bool hasJoined)
    {
        // Members of a plain room have no message for it.
        if (_rooms.TryGetValue(room, out LocalRoom? local) && !local.IsPlain)
        {
            local.EventLoop.Post(RoomEvent.PresenceChanged(member, hasJoined));
        }
    }

    void IBrokerSink.OnHealthChanged(BrokerHealth health) => OnHealthChanged(health, Broker);

    void IBrokerSink.OnHealthChanged(BrokerHealth health, IBroker of) => OnHealthChanged(health, of);

    private void OnHealthChanged(BrokerHealth health, IBroker of)
    {
        if (health == BrokerHealth.Degraded)
        {
            _available.Remove(of);
            RelayLog.BrokerUnavailable(Logger);
            foreach (LocalRoom room in RoomsOf(of))
            {
                room.OnBrokerUnavailable();
            }

            return;
        }

        if (health == BrokerHealth.Refusing)
        {
            RelayLog.BrokerRefuses(Logger);
        }

        if (!_available.Add(of))
        {
            return; // no announcement was missed
        }

        LocalRoom[] rooms = [.. RoomsOf(of)];
        RelayLog.BrokerAvailableAgain(Logger, rooms.Length);
        if (of == Broker.For(DisconnectLog.Rule))
        {
            _disconnects.Read();
        }

        foreach (LocalRoom room in rooms)
        {
            room.Maintain(isCheckDue: true, isRefreshDue: true);
        }
    }

    private IEnumerable<LocalRoom> RoomsOf(IBroker broker) => Rooms.Where(room => room.Broker == broker);

    ValueTask<RoomHistory> IRoomNode.ReadHistoryAsync(LocalRoom room, HistoryQuery query) => ReadHistoryAsync(room, query);

    void IRoomNode.OweLoss(LocalRoom room) => OweLoss(room);

    void IRoomNode.Maintain(LocalRoom room) => Maintain(room);

    void IRoomNode.Forget(LocalRoom room) => Forget(room);

    internal void Forget(LocalRoom room)
    {
        _maintained.TryRemove(room, out _);
        _rooms.TryRemove(KeyValuePair.Create(room.Name, room));
    }

    private void ThrowUnlessAllowed(string room)
    {
        if (!Allows(room))
        {
            throw new ArgumentException("A room may not have this name: it is empty, too long, or reserved.", nameof(room));
        }
    }

    private LocalRoom Acquire(string room, out Task ready)
    {
        ThrowUnlessAllowed(room);
        while (true)
        {
            LocalRoom local = _rooms.GetOrAdd(room, static (name, node) => new LocalRoom(name, node), this);
            if (local.Subscription.TryAcquire(out ready))
            {
                if (local.Rule.KeepsHistory)
                {
                    Maintain(local);
                }

                return local;
            }

            Forget(local); // its last member left in the meantime: create it again
        }
    }
}
