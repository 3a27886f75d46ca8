using System.Buffers;
using System.Diagnostics;
using System.Text.Unicode;
using Weir.Relay.Diagnostics;
using Weir.Relay.Rooms;
using Weir.Rooms;
using Weir.Sending;
using Weir.Timing;

namespace Weir.Relay;

// Publishing. A publish is handed to the broker at once and not waited for; what comes back as an announcement is what the
// members hear. How many may be on their way is bounded: who publishes more waits a moment, which is the only time that
// the broker keeps a connection from being read.
public sealed partial class RelayNode
{
    private readonly SemaphoreSlim _places;
    private long _sequence;

    /// <summary>
    /// Publishes what a member sent, verbatim, to every other member. Where the broker does not take it and the room's rule
    /// asks for durability, the publisher is closed with 1013 "not stored".
    /// </summary>
    /// <param name="room">A room that the publisher is in.</param>
    /// <param name="payload">
    /// The message; copied before the call returns. Text must be UTF-8, as what a connection has received is: it is not checked again.
    /// </param>
    /// <param name="kind">Text or binary.</param>
    /// <param name="publisher">Who does not hear it.</param>
    /// <returns>
    /// Completed, but when as much as may be is on its way: then when there is room again. Await it before reading on.
    /// </returns>
    public ValueTask PublishAsync(LocalRoom room, in ReadOnlySequence<byte> payload, MessageKind kind, WeirConnection publisher)
    {
        ArgumentNullException.ThrowIfNull(room);
        ArgumentNullException.ThrowIfNull(publisher);
        if (room.IsPlain)
        {
            // No copy and no allocation; the test PlainRoom_Publish_AllocatesNothing holds it to that.
            if (room.TryGetMembers(out Room? members))
            {
                members.Publish(payload, kind, publisher);
            }

            return ValueTask.CompletedTask;
        }

        return Publish(room, new Draft(payload.ToArray(), kind), publisher);
    }

    /// <summary>
    /// Publishes one message to several rooms, as <see cref="PublishAsync(LocalRoom, in ReadOnlySequence{byte}, MessageKind, WeirConnection)"/>
    /// does to one. A connection in more than one of them, on whatever node, is sent it once.
    /// </summary>
    /// <param name="rooms">Rooms that the publisher is in, each once.</param>
    /// <param name="payload">The message; copied before the call returns. Text must be UTF-8: it is not checked again.</param>
    /// <param name="kind">Text or binary.</param>
    /// <param name="publisher">The connection that is left out.</param>
    /// <returns>As for one room.</returns>
    public ValueTask PublishAsync(IReadOnlyList<LocalRoom> rooms, in ReadOnlySequence<byte> payload, MessageKind kind, WeirConnection publisher)
    {
        ArgumentNullException.ThrowIfNull(rooms);
        ArgumentNullException.ThrowIfNull(publisher);
        if (rooms.Count == 1)
        {
            return PublishAsync(rooms[0], payload, kind, publisher);
        }

        long message = NewMessageNumber();
        return PublishCopiesAsync(rooms, new Draft(payload.ToArray(), kind, Message: message), Copies.Of(NodeId, message), publisher);
    }

    /// <summary>A number for a message to several rooms, see <see cref="Publication.Message"/>.</summary>
    internal long NewMessageNumber() => Interlocked.Increment(ref _sequence);

    /// <summary>The newest number that a publication of this node has been given.</summary>
    internal long LastSequence => Interlocked.Read(ref _sequence);

    private async ValueTask PublishCopiesAsync(IReadOnlyList<LocalRoom> rooms, Draft draft, MessageCopies copies, WeirConnection publisher)
    {
        foreach (LocalRoom room in rooms)
        {
            if (!room.IsPlain)
            {
                await Publish(room, draft, publisher).ConfigureAwait(false);
            }
            else if (room.TryGetMembers(out Room? members))
            {
                members.Publish(new ReadOnlySequence<byte>(draft.Data), draft.Kind, publisher, key: null, copies);
            }
        }
    }

    private ValueTask Publish(LocalRoom room, in Draft draft, WeirConnection publisher)
    {
        SendScope.Current?.WalkPublications(); // what was published before, when the room was plain, is not overtaken
        if (!room.Drain.IsCongested && TryTakePlaces(room))
        {
            Begin(room, draft, publisher);
            return ValueTask.CompletedTask;
        }

        return PublishSlowlyAsync(room, draft, publisher);
    }

    /// <summary>Publishes to a room, whether or not anybody of this node is in it.</summary>
    /// <param name="room">The room.</param>
    /// <param name="publication">Its offset, node and sequence are not looked at.</param>
    /// <param name="except">A connection of this node that does not hear it; null: all do.</param>
    /// <param name="cancellationToken">Gives up waiting; it may be published even so.</param>
    /// <returns>Its position. The default where the room keeps no history: it was announced to all nodes.</returns>
    /// <exception cref="BrokerUnavailableException">
    /// The broker has not taken it, whatever the room's rule: no member was given it; or it is unknown whether it has
    /// (<see cref="BrokerUnavailableException.IsUnknown"/>), and then all are given it if so.
    /// </exception>
    /// <exception cref="ArgumentException">The name is not allowed, or the publication is text and not UTF-8.</exception>
    public async ValueTask<StreamPosition> PublishAsync(
        string room, Publication publication, WeirConnection? except = null, CancellationToken cancellationToken = default)
    {
        Task<StreamPosition> done = await BeginPublishAsync(room, publication, except).ConfigureAwait(false);
        return await done.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// The first half of a publish, for a protocol that answers each one and lets its client send the next meanwhile: what one
    /// caller begins one after another is published in that order.
    /// </summary>
    /// <param name="room">The room.</param>
    /// <param name="publication">Its offset, node and sequence are not looked at.</param>
    /// <param name="except">A connection of this node that does not hear it; null: all do.</param>
    /// <returns>
    /// Completed, but when as much as may be is on its way: then when there is room again. The task in it is the second half,
    /// with the result and the failure of <see cref="PublishAsync(string, Publication, WeirConnection?, CancellationToken)"/>.
    /// </returns>
    /// <exception cref="ArgumentException">The name is not allowed, or the publication is text and not UTF-8.</exception>
    public async ValueTask<Task<StreamPosition>> BeginPublishAsync(string room, Publication publication, WeirConnection? except = null)
    {
        ArgumentNullException.ThrowIfNull(publication);
        ThrowUnlessAllowed(room);
        if (publication.Kind == MessageKind.Text && !Utf8.IsValid(publication.Data.Span))
        {
            // Every strict client in the room would be closed with 1007, and again at each recovery.
            throw new ArgumentException("The data of a text must be UTF-8 (RFC 6455 section 5.6). Publish it as binary.", nameof(publication));
        }

        if (!_rooms.TryGetValue(room, out LocalRoom? local))
        {
            local = new LocalRoom(room, this); // nobody here would hear it: only for the way to the broker
        }
        else if (local.Drain.IsCongested)
        {
            await local.Drain.WhenRelievedAsync().ConfigureAwait(false);
        }

        Draft draft = new(publication.Data, publication.Kind, publication.Key, publication.Info, publication.Message);
        if (!TryTakePlaces(local) && !await WaitForPlacesAsync(local).ConfigureAwait(false))
        {
            Metrics.Published("refused");
            return Task.FromException<StreamPosition>(TooMany());
        }

        PendingPublish entry = Call(local, draft, except, mustBeStored: true, out ValueTask<StreamPosition> call);
        return CompleteAsync(local, entry, call);
    }

    private bool TryTakePlaces(LocalRoom room)
    {
        if (!room.Outbox.Places.Wait(0))
        {
            return false;
        }

        if (_places.Wait(0))
        {
            return true;
        }

        room.Outbox.Places.Release();
        return false;
    }

    // Waits in the room's line first: a room that has taken all it may does not stand in the way of others.
    private async ValueTask<bool> WaitForPlacesAsync(LocalRoom room)
    {
        if (Health == BrokerHealth.Degraded || Options.BrokerPatience == TimeSpan.Zero)
        {
            return false;
        }

        using CancellationTokenSource patience = new(LongWait.Piece(Options.BrokerPatience), _time);
        try
        {
            await room.Outbox.Places.WaitAsync(patience.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return false;
        }

        try
        {
            await _places.WaitAsync(patience.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException)
        {
            room.Outbox.Places.Release();
            return false;
        }
    }

    private async ValueTask PublishSlowlyAsync(LocalRoom room, Draft draft, WeirConnection publisher)
    {
        if (room.Drain.IsCongested)
        {
            // The members of this node hear it when the drain gets to it, whatever else: bounded by the work that is left.
            await room.Drain.WhenRelievedAsync().ConfigureAwait(false);
        }

        if (TryTakePlaces(room) || await WaitForPlacesAsync(room).ConfigureAwait(false))
        {
            Begin(room, draft, publisher);
            return;
        }

        Metrics.Published("refused");
        if (room.Rule.Durable)
        {
            NotStored(publisher);
        }
        else
        {
            Refuse(room, draft, publisher);
        }
    }

    private void Begin(LocalRoom room, in Draft draft, WeirConnection publisher)
    {
        PendingPublish entry = Call(room, draft, publisher, room.Rule.Durable, out ValueTask<StreamPosition> call);
        if (call.IsCompletedSuccessfully)
        {
            OnStored(room, entry, call.Result);
        }
        else
        {
            _ = WatchAsync(room, entry, call, publisher);
        }
    }

    private async Task WatchAsync(LocalRoom room, PendingPublish entry, ValueTask<StreamPosition> call, WeirConnection publisher)
    {
        try
        {
            OnStored(room, entry, await call.ConfigureAwait(false));
        }
        catch (Exception error)
        {
            OnFailed(room, entry, error);
            if (room.Rule.Durable)
            {
                NotStored(publisher);
            }
        }
    }

    private async Task<StreamPosition> CompleteAsync(LocalRoom room, PendingPublish entry, ValueTask<StreamPosition> call)
    {
        try
        {
            StreamPosition position = await call.ConfigureAwait(false);
            OnStored(room, entry, position);
            return position;
        }
        catch (Exception error)
        {
            OnFailed(room, entry, error);
            if (error is BrokerUnavailableException)
            {
                throw;
            }

            throw new BrokerUnavailableException("The broker failed.", isUnknown: true, error);
        }
    }

    // The order of the numbers, of the outbox and of the calls is one: all under the outbox's lock. A call only begins there.
    private PendingPublish Call(
        LocalRoom room, in Draft draft, WeirConnection? publisher, bool mustBeStored, out ValueTask<StreamPosition> call)
    {
        PendingPublish entry;
        Outbox outbox = room.Outbox;
        lock (outbox.Gate)
        {
            entry = AddInsideLock(room, draft, publisher, mustBeStored);
            try
            {
                call = Broker.PublishAsync(room.Name, entry.Publication, mustBeStored ? room.StoredRule : room.Rule, CancellationToken.None);
            }
            catch (Exception error)
            {
                call = ValueTask.FromException<StreamPosition>(error);
            }
        }

        if (Health == BrokerHealth.Degraded && !room.Rule.KeepsHistory)
        {
            room.OnBrokerAway(); // its announcement may not come
        }

        return entry;
    }

    private PendingPublish AddInsideLock(LocalRoom room, in Draft draft, WeirConnection? publisher, bool mustBeStored)
    {
        bool isAfterLoss = _owesLosses && room.Rule.KeepsHistory && _losses.TryRemove(room.Name, out _);
        Publication publication = draft.ToPublication(NodeId, Interlocked.Increment(ref _sequence), isAfterLoss);
        PendingPublish entry = new(publication, publisher, mustBeStored);
        if (room.Outbox.AddInsideLock(entry) is { IsStored: false, MustBeStored: false } && room.Rule.KeepsHistory)
        {
            OweLoss(room);
        }

        return entry;
    }

    private void OnStored(LocalRoom room, PendingPublish entry, StreamPosition position)
    {
        bool isUnnumbered = room.Rule.KeepsHistory && position.Offset == 0;
        if (isUnnumbered)
        {
            entry.IsUnnumbered = true;
            OweLoss(room);
        }

        entry.IsStored = true;
        ReleasePlaces(room);
        Metrics.Published(isUnnumbered ? "announced" : "stored");
        if (Health == BrokerHealth.Degraded)
        {
            // Its announcement may not come; the history has it, and where there is none this node's members are given it.
            if (room.Rule.KeepsHistory)
            {
                room.Drain.Post(new RoomEvent(RoomEventKind.Check));
            }
            else
            {
                room.OnBrokerAway();
            }
        }
    }

    private void OnFailed(LocalRoom room, PendingPublish entry, Exception error)
    {
        bool isUnknown = error is not BrokerUnavailableException { IsUnknown: false };
        if (error is BrokerUnavailableException)
        {
            RelayLog.PublishFailed(Logger, error, room.Name);
        }
        else
        {
            RelayLog.BrokerFailed(Logger, error, room.Name);
        }

        if (room.Rule.KeepsHistory && (entry.Publication.IsAfterLoss || !(isUnknown || entry.MustBeStored)))
        {
            OweLoss(room); // before the publisher's next publish
        }

        ReleasePlaces(room);
        Metrics.Published(isUnknown ? "unknown" : "failed");
        room.Drain.Post(new RoomEvent(isUnknown ? RoomEventKind.MaybeStored : RoomEventKind.NotStored, entry));
    }

    // Never given to the broker: it has its place in the order among those that were.
    private void Refuse(LocalRoom room, in Draft draft, WeirConnection publisher)
    {
        PendingPublish entry;
        lock (room.Outbox.Gate)
        {
            entry = AddInsideLock(room, draft, publisher, mustBeStored: false);
        }

        if (room.Rule.KeepsHistory)
        {
            OweLoss(room);
        }

        room.Drain.Post(new RoomEvent(RoomEventKind.NotStored, entry));
    }

    private void ReleasePlaces(LocalRoom room)
    {
        Debug.Assert(_places.CurrentCount < Options.MaxPublishesInFlight, "More places given back than taken");
        room.Outbox.Places.Release();
        _places.Release();
    }

    private static void NotStored(WeirConnection publisher) => publisher.Close(CloseCode.TryAgainLater, "not stored");

    private BrokerUnavailableException TooMany()
        => new($"More than {Options.MaxPublishesInFlight} publishes wait for the broker, or {Options.MaxPublishesInFlightPerRoom} of the room.", isUnknown: false);

    /// <summary>A publication that has no number yet: it is given one in the order of the calls.</summary>
    private readonly record struct Draft(
        ReadOnlyMemory<byte> Data, MessageKind Kind, string? Key = null, ReadOnlyMemory<byte> Info = default, long Message = 0)
    {
        public Publication ToPublication(string node, long sequence, bool isAfterLoss) => new()
        {
            Data = Data,
            Kind = Kind,
            Key = Key,
            Info = Info,
            Node = node,
            NodeSequence = sequence,
            Message = Message,
            IsAfterLoss = isAfterLoss,
        };
    }
}
