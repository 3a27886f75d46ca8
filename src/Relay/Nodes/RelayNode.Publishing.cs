using System.Buffers;
using System.Diagnostics;
using System.Text.Unicode;
using Weir.Closing;
using Weir.Protocol;
using Weir.Relay.Brokers;
using Weir.Relay.Diagnostics;
using Weir.Relay.Rooms;
using Weir.Rooms;
using Weir.Sending;
using Weir.Timing;

namespace Weir.Relay.Nodes;

// Publishing. A publish is handed to the broker immediately and not awaited; members are sent the broker's announcement of it. The number
// in flight is bounded: a publisher beyond it waits for a permit, the only time that the broker keeps a connection from being read.
public sealed partial class RelayNode
{
    private readonly SemaphoreSlim _publishPermits;
    private long _sequence;

    /// <summary>
    /// Publishes a member's message, verbatim, to every other member. If the broker does not accept it and the room's rule is durable, the
    /// publisher is closed with 1013 "not stored".
    /// </summary>
    /// <param name="room">A room that the publisher is in.</param>
    /// <param name="payload">
    /// The message; copied before the call returns. Text must be UTF-8, as messages of a connection are: it is not checked again.
    /// </param>
    /// <param name="kind">Text or binary.</param>
    /// <param name="publisher">The member that is left out.</param>
    /// <returns>
    /// Completed, except while the permitted number is in flight: then when a permit is free. Await it before reading on.
    /// </returns>
    public ValueTask PublishAsync(LocalRoom room, in ReadOnlySequence<byte> payload, MessageKind kind, IRoomMember publisher)
    {
        ArgumentNullException.ThrowIfNull(room);
        ArgumentNullException.ThrowIfNull(publisher);
        if (room.IsPlain)
        {
            // No copy and no allocation; the test PlainRoom_Publish_AllocatesNothing verifies that.
            if (room.TryGetMembers(out Room? members))
            {
                members.Publish(payload, kind, publisher);
            }

            return ValueTask.CompletedTask;
        }

        return Publish(room, new Draft(payload.ToArray(), kind), publisher);
    }

    /// <summary>
    /// Publishes one message to several rooms, as
    /// <see cref="PublishAsync(LocalRoom, in ReadOnlySequence{byte}, MessageKind, IRoomMember)"/> does to one. A connection in more than
    /// one of them, on any node, is sent it once.
    /// </summary>
    /// <param name="rooms">Rooms that the publisher is in, each once.</param>
    /// <param name="payload">The message; copied before the call returns. Text must be UTF-8: it is not checked again.</param>
    /// <param name="kind">Text or binary.</param>
    /// <param name="publisher">The member that is left out.</param>
    /// <returns>As for one room.</returns>
    public ValueTask PublishAsync(
        IReadOnlyList<LocalRoom> rooms, in ReadOnlySequence<byte> payload, MessageKind kind, IRoomMember publisher)
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

    /// <summary>Gets a number for a message to several rooms, see <see cref="Publication.Message"/>.</summary>
    internal long NewMessageNumber() => Interlocked.Increment(ref _sequence);

    /// <summary>The newest number of a publication of this node.</summary>
    internal long LastSequence => Interlocked.Read(ref _sequence);

    private async ValueTask PublishCopiesAsync(IReadOnlyList<LocalRoom> rooms, Draft draft, MessageCopies copies, IRoomMember publisher)
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

    private ValueTask Publish(LocalRoom room, in Draft draft, IRoomMember publisher)
    {
        SendScope.DeliverPublications(); // must not overtake publications from before, when the room was plain
        if (!room.EventLoop.IsCongested && TryAcquirePermits(room))
        {
            Begin(room, draft, publisher);
            return ValueTask.CompletedTask;
        }

        return PublishSlowlyAsync(room, draft, publisher);
    }

    /// <summary>Publishes to a room, whether or not it has members on this node.</summary>
    /// <param name="room">The room.</param>
    /// <param name="publication">Its offset, node and sequence are ignored.</param>
    /// <param name="except">A member of this node that is left out; <c>null</c> if none.</param>
    /// <param name="cancellationToken">Cancels the wait; it may be published even so.</param>
    /// <returns>Its position. The default if the room keeps no history: it was announced to all nodes.</returns>
    /// <exception cref="BrokerUnavailableException">
    /// The broker has not accepted it, whatever the room's rule: no member was sent it; or it is unknown whether it has
    /// (<see cref="BrokerUnavailableException.IsUnknown"/>), and then all are sent it if so.
    /// </exception>
    /// <exception cref="ArgumentException">The name is not allowed, or the publication is text and not UTF-8.</exception>
    public async ValueTask<StreamPosition> PublishAsync(
        string room, Publication publication, IRoomMember? except = null, CancellationToken cancellationToken = default)
    {
        Task<StreamPosition> done = await BeginPublishAsync(room, publication, except).ConfigureAwait(false);
        return await done.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// The first half of a publish, for a protocol that answers each one and lets its client send the next meanwhile: publishes that one
    /// caller begins one after another keep that order.
    /// </summary>
    /// <param name="room">The room.</param>
    /// <param name="publication">Its offset, node and sequence are ignored.</param>
    /// <param name="except">A member of this node that is left out; <c>null</c> if none.</param>
    /// <returns>
    /// Completed, except while the permitted number is in flight: then when a permit is free. The task in it is the second half, with the
    /// result and the failure of <see cref="PublishAsync(string, Publication, IRoomMember?, CancellationToken)"/>.
    /// </returns>
    /// <exception cref="ArgumentException">The name is not allowed, or the publication is text and not UTF-8.</exception>
    public async ValueTask<Task<StreamPosition>> BeginPublishAsync(string room, Publication publication, IRoomMember? except = null)
    {
        ArgumentNullException.ThrowIfNull(publication);
        ThrowUnlessAllowed(room);
        if (publication.Kind == MessageKind.Text && !Utf8.IsValid(publication.Data.Span))
        {
            // Every strict client in the room would be closed with 1007, and again at each recovery.
            throw new ArgumentException(
                "The data of a text must be UTF-8 (RFC 6455 section 5.6). Publish it as binary.", nameof(publication));
        }

        if (!_rooms.TryGetValue(room, out LocalRoom? local))
        {
            local = new LocalRoom(room, this); // no members on this node: only for the call to the broker
        }
        else if (local.EventLoop.IsCongested)
        {
            await local.EventLoop.WhenRelievedAsync().ConfigureAwait(false);
        }

        Draft draft = new(publication.Data, publication.Kind, publication.Key, publication.Info, publication.Message);
        if (!TryAcquirePermits(local) && !await WaitForPermitsAsync(local).ConfigureAwait(false))
        {
            Metrics.Published("refused");
            return Task.FromException<StreamPosition>(TooMany());
        }

        PendingPublish entry = Call(local, draft, except, mustBeStored: true, out ValueTask<StreamPosition> call);
        return CompleteAsync(local, entry, call);
    }

    private bool TryAcquirePermits(LocalRoom room)
    {
        if (!room.Outbox.PublishPermits.Wait(0))
        {
            return false;
        }

        if (_publishPermits.Wait(0))
        {
            return true;
        }

        room.Outbox.PublishPermits.Release();
        return false;
    }

    // Waits in the room's queue first: a room that has used up its permits does not block others.
    private async ValueTask<bool> WaitForPermitsAsync(LocalRoom room)
    {
        if (room.Broker.Health == BrokerHealth.Degraded || Settings.BrokerTimeout == TimeSpan.Zero)
        {
            return false;
        }

        using RunningTimeout timeout = new(_brokerTimeouts);
        try
        {
            await room.Outbox.PublishPermits.WaitAsync(timeout.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return false;
        }

        try
        {
            await _publishPermits.WaitAsync(timeout.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException)
        {
            room.Outbox.PublishPermits.Release();
            return false;
        }
    }

    private async ValueTask PublishSlowlyAsync(LocalRoom room, Draft draft, IRoomMember publisher)
    {
        if (room.EventLoop.IsCongested)
        {
            // The event loop delivers it to the members of this node in any case: the wait is bounded by the work that is left.
            await room.EventLoop.WhenRelievedAsync().ConfigureAwait(false);
        }

        if (TryAcquirePermits(room) || await WaitForPermitsAsync(room).ConfigureAwait(false))
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

    private void Begin(LocalRoom room, in Draft draft, IRoomMember publisher)
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

    private async Task WatchAsync(LocalRoom room, PendingPublish entry, ValueTask<StreamPosition> call, IRoomMember publisher)
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

    // Sequence numbers, outbox and calls have one order: all under the outbox's lock. A call only begins there.
    private PendingPublish Call(
        LocalRoom room, in Draft draft, IRoomMember? publisher, bool mustBeStored, out ValueTask<StreamPosition> call)
    {
        PendingPublish entry;
        Outbox outbox = room.Outbox;
        lock (outbox.Gate)
        {
            entry = AddInsideLock(room, draft, publisher, mustBeStored);
            try
            {
                call = room.Broker.PublishAsync(
                    room.Name, entry.Publication, mustBeStored ? room.StoredRule : room.Rule, CancellationToken.None);
            }
            catch (Exception error)
            {
                call = ValueTask.FromException<StreamPosition>(error);
            }
        }

        if (room.Broker.Health == BrokerHealth.Degraded && !room.Rule.KeepsHistory)
        {
            room.OnBrokerUnavailable(); // its announcement may be missed
        }

        return entry;
    }

    private PendingPublish AddInsideLock(LocalRoom room, in Draft draft, IRoomMember? publisher, bool mustBeStored)
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
        ReleasePermits(room);
        Metrics.Published(isUnnumbered ? "announced" : "stored");
        if (room.Broker.Health == BrokerHealth.Degraded)
        {
            // Its announcement may be missed; the history has it, and without history the node delivers it to its own members.
            if (room.Rule.KeepsHistory)
            {
                room.EventLoop.Post(RoomEvent.Check);
            }
            else
            {
                room.OnBrokerUnavailable();
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

        ReleasePermits(room);
        Metrics.Published(isUnknown ? "unknown" : "failed");
        room.EventLoop.Post(RoomEvent.PublishFailed(entry, isUnknown));
    }

    // Never handed to the broker: it keeps its position in the order among those that were.
    private void Refuse(LocalRoom room, in Draft draft, IRoomMember publisher)
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

        room.EventLoop.Post(RoomEvent.PublishFailed(entry, isUnknown: false));
    }

    private void ReleasePermits(LocalRoom room)
    {
        Debug.Assert(_publishPermits.CurrentCount < Settings.MaxPublishesInFlight, "More permits released than acquired");
        room.Outbox.PublishPermits.Release();
        _publishPermits.Release();
    }

    private static void NotStored(IRoomMember publisher)
        => publisher.Close(CloseCode.TryAgainLater, "not stored", CloseCause.BrokerUnavailable);

    private BrokerUnavailableException TooMany() => new(
        $"More than {Settings.MaxPublishesInFlight} publishes are in flight, or {Settings.MaxPublishesInFlightPerRoom} of the room.",
        isUnknown: false);

    /// <summary>A publication without a sequence number: it is assigned in the order of the calls.</summary>
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
