using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Weir.Relay.Diagnostics;
using Weir.Relay.Rooms;
using Weir.Timing;

namespace Weir.Relay;

/// <summary>
/// Rooms across nodes, as this node has them: its connections and other listeners on one side, the broker on the other.
/// A service of the application once <see cref="RelayServiceCollectionExtensions.AddWeirRelay"/> was called. Thread-safe.
/// </summary>
/// <remarks>
/// <para>A room is subscribed to at the broker while anybody here is in it, once however many they are. What is published
/// comes back from the broker, to this node like to all others, and is delivered in the broker's order.</para>
/// <para>While the broker is away the members of this node still hear each other, and rooms whose rule asks for durability
/// refuse publishes. When it is back, and every now and then, each room with history compares its position with the
/// broker's: what was missed is filled in, in order, or those who count on it are told that it is lost.</para>
/// </remarks>
public sealed partial class RelayNode : IBrokerSink, IAsyncDisposable
{
    /// <summary>Names that begin like this are the server's own.</summary>
    internal const string ReservedPrefix = "$weir:";

    private readonly ConcurrentDictionary<string, LocalRoom> _rooms = new(StringComparer.Ordinal);
    private readonly TimeProvider _time;
    private Task? _started;
    private bool _wasAway = true; // until the broker is there

    /// <summary>Makes a node; <see cref="StartAsync"/> must be called before it is used.</summary>
    /// <param name="broker">The broker, not started yet; the node starts and disposes it.</param>
    /// <param name="members">The rooms that connections are in to be given publications verbatim; null makes a directory.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="loggers">Null: nothing is logged.</param>
    /// <param name="meters">Null: a meter of its own.</param>
    /// <param name="time">Null: the system's clock.</param>
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
        Options = options ?? new RelayOptions();
        Logger = (loggers ?? NullLoggerFactory.Instance).CreateLogger(RelayLog.Category);
        Metrics = new RelayMetrics(meters) { Rooms = () => _rooms.Count, IsUp = () => Health == BrokerHealth.Up, NodesWithOtherRules = () => _nodesWithOtherRules.Length };
        _time = time ?? TimeProvider.System;
        Copies = new RecentCopies(_time);
        _places = new SemaphoreSlim(Options.MaxPublishesInFlight);
    }

    /// <summary>The id of this node; another one after each start.</summary>
    public string NodeId { get; } = RandomNumberGenerator.GetHexString(16, lowercase: true);

    /// <summary>What connects the nodes.</summary>
    public IBroker Broker { get; }

    /// <summary>The rooms of connections that are given publications verbatim.</summary>
    public RoomDirectory Members { get; }

    /// <summary>Whether the broker can be reached, and stores.</summary>
    public BrokerHealth Health => Broker.Health;

    /// <summary>Rooms with anybody on this node.</summary>
    public IEnumerable<LocalRoom> Rooms => _rooms.Values;

    internal RelayOptions Options { get; }

    internal ILogger Logger { get; }

    internal RelayMetrics Metrics { get; }

    /// <summary>Messages to several rooms, whose copies a connection in more than one of them is sent once.</summary>
    internal RecentCopies Copies { get; }

    /// <summary>Starts the broker. Completes without waiting for one that is away. A second call waits for the first.</summary>
    public Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (_started is null)
        {
            _started = Broker.StartAsync(this, cancellationToken);
            _startedAt = _time.GetTimestamp();
            StartUpkeep();
        }

        return _started;
    }

    /// <summary>Whether a room may have this name: <see cref="RoomOptions.Allows"/>, and it is not one of the server's own.</summary>
    public bool Allows(string room) => Members.Options.Allows(room) && !room.StartsWith(ReservedPrefix, StringComparison.Ordinal);

    /// <summary>What is wrong with the rooms that a client asks for, to be told to it; null: nothing.</summary>
    /// <param name="rooms">Their names, all of them.</param>
    public string? ComplaintAbout(IReadOnlyCollection<string> rooms)
    {
        ArgumentNullException.ThrowIfNull(rooms);
        RoomOptions limits = Members.Options;
        return rooms.Count == 0 || rooms.Contains("") ? "Name at least one room: ?room=NAME."
            : limits.MaxRoomsPerConnection > 0 && rooms.Count > limits.MaxRoomsPerConnection
            ? $"Name at most {limits.MaxRoomsPerConnection} rooms."
            : !rooms.All(limits.Allows) ? $"The name of a room has at most {limits.MaxNameBytes} bytes."
            : !rooms.All(Allows) ? "A room of this name is the server's own."
            : null;
    }

    /// <summary>The rule of a room.</summary>
    public RoomRule RuleOf(string room) => _rooms.TryGetValue(room, out LocalRoom? local) ? local.Rule : Options.Rules.Of(room);

    /// <summary>What a connection of this node is called where there are several nodes.</summary>
    public string ClientIdOf(WeirConnection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        return NodeId + "-" + connection.Id;
    }

    /// <summary>
    /// Puts a connection into a room to be given every publication verbatim, but its own. <see cref="Leave"/> must follow
    /// once, at the latest when the connection has closed.
    /// </summary>
    /// <param name="room">The room.</param>
    /// <param name="connection">Who joins.</param>
    /// <param name="client">Who it is, for the room's presence; null: anonymous.</param>
    /// <param name="info">What is known of it in this room, as JSON for the presence; empty: nothing.</param>
    /// <returns>
    /// The room, when everything published from now on will be heard, or after <see cref="RelayOptions.BrokerPatience"/>;
    /// null when the connection has closed, and then nothing must follow.
    /// </returns>
    /// <exception cref="ArgumentException">The name is not allowed.</exception>
    /// <exception cref="InvalidOperationException">The connection is in as many rooms as it may be.</exception>
    public ValueTask<LocalRoom?> JoinAsync(
        string room, WeirConnection connection, ClientIdentity? client = null, ReadOnlyMemory<byte> info = default)
    {
        ArgumentNullException.ThrowIfNull(connection);
        LocalRoom local = Acquire(room, out Task ready);
        return ready.IsCompleted || Options.BrokerPatience == TimeSpan.Zero || Health == BrokerHealth.Degraded
            ? new(Enter(local, connection, client, info))
            : WaitAsync();

        async ValueTask<LocalRoom?> WaitAsync()
        {
            await ready.WaitAsync(LongWait.Piece(Options.BrokerPatience), _time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return Enter(local, connection, client, info);
        }
    }

    // Only now, when all that is announced is delivered here: what a member hears has no gap from its first message on.
    private LocalRoom? Enter(LocalRoom room, WeirConnection connection, ClientIdentity? client, ReadOnlyMemory<byte> info)
    {
        bool isIn = false;
        try
        {
            isIn = Members.Join(room.Name, connection) is not null;
        }
        finally
        {
            if (!isIn)
            {
                room.Link.Release();
            }
        }

        if (isIn && room.Rule.Presence)
        {
            client ??= ClientIdentity.Anonymous;
            SetPresence(room, new RoomMember(ClientIdOf(connection), client.User, client.Info, info));
        }

        return isIn ? room : null;
    }

    /// <summary>Takes a connection out of a room that it was put into by <see cref="JoinAsync"/>; also one that has closed.</summary>
    public void Leave(LocalRoom room, WeirConnection connection)
    {
        ArgumentNullException.ThrowIfNull(room);
        ArgumentNullException.ThrowIfNull(connection);
        Members.Leave(room.Name, connection);
        if (room.Rule.Presence)
        {
            RemovePresence(room, ClientIdOf(connection));
        }

        room.Link.Release();
    }

    /// <summary>
    /// Subscribes a listener to a room, from a position on where it names one. <see cref="Unsubscribe"/> must follow once,
    /// unless this throws.
    /// </summary>
    /// <remarks>
    /// <para>Recovery: the listener is put into the room's order behind everything that it is told as missed, so nothing is
    /// missing between that and the first publication that its audience hears, and nothing comes twice. It is recovered when
    /// the history reaches from its position to that place without a gap, in the same epoch.</para>
    /// <para>Of many who come at once, one read of the history serves all.</para>
    /// </remarks>
    /// <param name="room">The room.</param>
    /// <param name="audiences">The listener's protocol.</param>
    /// <param name="listener">Told when the subscription begins; it joins its audience there.</param>
    /// <param name="from">The last position it knows; null: it wants what comes from now on.</param>
    /// <param name="cancellationToken">Gives up while it has not begun.</param>
    /// <returns>The room, after <see cref="IRoomListener.OnSubscribed"/> has returned.</returns>
    /// <exception cref="BrokerUnavailableException">
    /// The broker is away, and the room keeps history: it cannot be known what was missed, or from which position on the
    /// listener hears everything. Temporary: the listener is to try again. In a room without history it is subscribed even so.
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
            local.Drain.Post(new RoomEvent(RoomEventKind.Subscribe, subscribing));
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
            local.Link.Release();
            throw;
        }
    }

    /// <summary>Ends what <see cref="SubscribeAsync"/> began, after the listener has left its audience.</summary>
    public void Unsubscribe(LocalRoom room)
    {
        ArgumentNullException.ThrowIfNull(room);
        room.Link.Release();
    }

    /// <summary>Shows a client of this node as present until <see cref="RemovePresence"/>; refreshed by the node.</summary>
    public void SetPresence(LocalRoom room, RoomMember member)
    {
        ArgumentNullException.ThrowIfNull(room);
        room.Presence.Set(member);
        Tend(room);
    }

    /// <summary>Shows a client of this node as gone.</summary>
    public void RemovePresence(LocalRoom room, string client)
    {
        ArgumentNullException.ThrowIfNull(room);
        room.Presence.Remove(client);
    }

    /// <summary>Stops the upkeep and disposes the broker.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopUpkeepAsync().ConfigureAwait(false);
        await Broker.DisposeAsync().ConfigureAwait(false);
    }

    void IBrokerSink.OnBatchBegins() => DrainBatch.Begin();

    void IBrokerSink.OnBatchEnded() => DrainBatch.End();

    void IBrokerSink.OnPublication(string room, Publication publication, string epoch)
    {
        if (_rooms.TryGetValue(room, out LocalRoom? local))
        {
            local.Drain.Post(new RoomEvent(RoomEventKind.Publication, publication, epoch));
        }
    }

    void IBrokerSink.OnPresenceChanged(string room, RoomMember member, bool hasJoined)
    {
        // Members of a plain room have no word for it.
        if (_rooms.TryGetValue(room, out LocalRoom? local) && !local.IsPlain)
        {
            local.Drain.Post(new RoomEvent(hasJoined ? RoomEventKind.Joined : RoomEventKind.Left, member));
        }
    }

    void IBrokerSink.OnHealthChanged(BrokerHealth health)
    {
        if (health == BrokerHealth.Degraded)
        {
            _wasAway = true;
            RelayLog.BrokerAway(Logger);
            foreach (LocalRoom room in Rooms)
            {
                room.OnBrokerAway();
            }

            return;
        }

        if (health == BrokerHealth.Refusing)
        {
            RelayLog.BrokerRefuses(Logger);
        }

        if (!_wasAway)
        {
            return; // no announcement was missed
        }

        _wasAway = false;
        RelayLog.BrokerBack(Logger, _rooms.Count);
        foreach (LocalRoom room in Rooms)
        {
            room.Tend(isCheckDue: true, isRefreshDue: true);
        }
    }

    internal void Forget(LocalRoom room)
    {
        _tended.TryRemove(room, out _);
        _rooms.TryRemove(KeyValuePair.Create(room.Name, room));
    }

    private void ThrowUnlessAllowed(string room)
    {
        if (!Allows(room))
        {
            throw new ArgumentException("A room may not have this name: it is empty, too long, or the server's own.", nameof(room));
        }
    }

    private LocalRoom Acquire(string room, out Task ready)
    {
        ThrowUnlessAllowed(room);
        while (true)
        {
            LocalRoom local = _rooms.GetOrAdd(room, static (name, node) => new LocalRoom(name, node), this);
            if (local.Link.TryAcquire(out ready))
            {
                if (local.Rule.KeepsHistory)
                {
                    Tend(local);
                }

                return local;
            }

            Forget(local); // its last member left while we came in: made anew
        }
    }
}
