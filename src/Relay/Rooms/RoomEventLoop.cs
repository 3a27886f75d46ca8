using Weir.Relay.Brokers;
using Weir.Relay.Diagnostics;
using Weir.Rooms;

namespace Weir.Relay.Rooms;

/// <summary>
/// Puts all events of a room in order: an inbox, and one thread at a time that takes from it.
/// </summary>
/// <remarks>This part processes the events, without a lock: one thread at a time runs the loop.</remarks>
internal sealed partial class RoomEventLoop
{
    // The most publications kept for listeners that wait for a read of the history; beyond it they are notified that they cannot recover.
    internal const int MaxRecent = 4096;

    private const int NoRead = 0; // reads count from 1

    private const long None = -1;

    private readonly LocalRoom _room;
    private readonly IRoomNode _node;
    private readonly RoomSequence _sequence = new();
    private readonly List<Publication> _deliver = [];
    private readonly List<PendingPublish> _entries = [];
    private readonly List<Publication> _recent = [];
    private List<Subscribing> _waiting = [];
    private List<Subscribing> _beingServed = [];
    private (IRoomAudienceFactory Factory, IRoomAudience Audience)[] _protocols = [];
    private IRoomAudience[] _audiences = [];
    private StreamPosition _began;
    private long _locatedAfter; // the last sequence when the position became known: audiences get those up to it by offset or not at all
    private long _lastWithoutBroker; // without history: this node's newest publication that was delivered before its announcement
    private long _withoutOffsetAt = None; // where audiences were given this node's newest publication without an offset, since a loss
    private int _reads;
    private bool _isReading;
    private bool _mustRead;
    private bool _isReadDue;
    private bool _isRecentBroken;
    private bool _hasFailed; // publishes of this node wait to be settled

    public RoomEventLoop(LocalRoom room, IRoomNode node)
    {
        _room = room;
        _node = node;
        _batch = new PublicationBatch(node.Members);
    }

    public string Epoch => _sequence.Epoch;

    /// <summary>The history could not be read, or must be read soon: the node's maintenance requests it.</summary>
    public bool IsReadDue => Volatile.Read(ref _isReadDue);

    private string Name => _room.Name;

    private RoomRule Rule => _room.Rule;

    private void Handle(in RoomEvent happened)
    {
        switch (happened.Of)
        {
            case RoomEvent.Kind.Announced:
                OnPublication(happened.Publication, happened.Epoch);
                break;
            case RoomEvent.Kind.Joined:
            case RoomEvent.Kind.Left:
                OnPresenceChanged(happened.Member, hasJoined: happened.Of == RoomEvent.Kind.Joined);
                break;
            case RoomEvent.Kind.Subscribe:
                OnSubscribe(happened.Subscribing);
                break;
            case RoomEvent.Kind.Check:
                _mustRead = true;
                ReadIfNeeded();
                break;
            case RoomEvent.Kind.Located when _isReading || _sequence.IsKnown:
                _mustRead = true; // subscribed to again: announcements in between may be missing
                ReadIfNeeded();
                break;
            case RoomEvent.Kind.Located:
                _began = default;
                Apply(happened.History);
                ReadIfNeeded();
                break;
            case RoomEvent.Kind.HistoryRead:
                OnHistory(happened.History);
                break;
            case RoomEvent.Kind.HistoryNotRead:
                OnHistoryNotRead(happened.Error);
                break;
            case RoomEvent.Kind.NotStored:
                OnFailed(happened.Publish, isUnknown: false);
                break;
            case RoomEvent.Kind.MaybeStored:
                OnFailed(happened.Publish, isUnknown: true);
                break;
            case RoomEvent.Kind.BrokerUnavailable:
                OnBrokerUnavailable();
                break;
            case RoomEvent.Kind.Skipped:
                OnSkipped(happened.Position);
                break;
            case RoomEvent.Kind.Reset:
                OnReset();
                break;
        }
    }

    private void OnPublication(Publication publication, string epoch)
    {
        if (!Rule.KeepsHistory)
        {
            // An offset comes from a node that has another rule for the room: here it has no meaning.
            Deliver(publication.Offset == 0 ? publication : publication.WithOffset(0));
            return;
        }

        if (publication.Offset == _sequence.Position.Offset + 2 && publication.Node == _node.NodeId
            && _room.OutboxIfAny?.IsAfterLoss(publication.NodeSequence) == true)
        {
            _sequence.Skip(epoch);
        }

        switch (_sequence.OnAnnounced(publication, epoch))
        {
            case RoomSequence.Disposition.Deliver:
                Deliver(publication);
                Settle(NoRead);
                break;
            case RoomSequence.Disposition.Held:
                _mustRead = true;
                ReadIfNeeded();
                break;
            case RoomSequence.Disposition.DeliverAfterLoss:
                _isRecentBroken = true; // the one delivered before is another publication with the same offset
                OnLost(PositionLoss.RolledBack, new StreamPosition(epoch, publication.Offset - 1));
                Deliver(publication);
                break;
        }
    }

    // Delivers one publication in its turn to the members and audiences of this node that have not been given it yet.
    private void Deliver(Publication publication)
    {
        PendingPublish? own = null;
        if (publication.NodeSequence != 0 && publication.Node == _node.NodeId && _room.OutboxIfAny is { } outbox)
        {
            _entries.Clear();
            own = outbox.TakeAnnounced(publication.NodeSequence, _entries);
            foreach (PendingPublish overtaken in _entries)
            {
                GiveUp(overtaken);
            }

            if (own is null && publication.NodeSequence < _lastWithoutBroker)
            {
                return; // published before this room was created; this node's later publications have been delivered already
            }
        }

        if (own is not { IsDeliveredToMembers: true })
        {
            DeliverToMembers(publication, own?.Publisher);
        }

        if (own is not { IsDeliveredToAudiences: true })
        {
            DeliverToAudiences(publication, own?.Publisher);
        }

        if (own is not null)
        {
            own.IsAnnounced = own.IsDeliveredToMembers = own.IsDeliveredToAudiences = true; // its call may still fail
        }

        if (_isReading && _beingServed.Count > 0 && publication.Offset > 0)
        {
            _isRecentBroken |= _recent.Count == MaxRecent;
            if (!_isRecentBroken)
            {
                _recent.Add(publication);
            }
        }
    }

    private void OnPresenceChanged(RoomMember member, bool hasJoined)
        => Notify(static (audience, room, what) => audience.OnPresenceChanged(room, what.member, what.hasJoined), (member, hasJoined));

    private void OnLost(PositionLoss reason, StreamPosition now)
    {
        RelayLog.PositionLost(_node.Logger, Name, reason, now.Epoch, now.Offset);
        _node.Metrics.PositionLost(reason);
        _withoutOffsetAt = None; // earlier positions show the loss
        Notify(static (audience, room, what) => audience.OnPositionLost(room, what.now, what.reason), (now, reason));
    }

    // ----- Publishes that failed -----

    private void OnFailed(PendingPublish entry, bool isUnknown)
    {
        if (entry.IsAnnounced)
        {
            return; // announced before the answer, or without one
        }

        if (!Rule.KeepsHistory)
        {
            if (isUnknown && entry.MustBeStored)
            {
                // It keeps its position: it may be announced, and later publications of this node must not overtake it.
                entry.UnknownSinceRead = _reads;
            }
            else
            {
                if (!entry.MustBeStored)
                {
                    DeliverOlder(entry.Publication.NodeSequence);
                    DeliverLocally(entry, toAudiences: true);
                }

                _room.Outbox.Remove(entry, mayComeLate: isUnknown);
            }

            if (_room.Broker.Health == BrokerHealth.Degraded)
            {
                OnBrokerUnavailable(); // the entries that waited behind it
            }

            return;
        }

        if (isUnknown)
        {
            entry.UnknownSinceRead = _reads;
            AskForRead();
        }
        else if (entry.MustBeStored)
        {
            _room.Outbox.Remove(entry, mayComeLate: false); // the publisher is notified; no other client depends on it
        }
        else
        {
            entry.IsNotStored = true;
        }

        _hasFailed = true;
        Settle(NoRead);
        DeliverFailedToMembers();
    }

    private void OnBrokerUnavailable()
    {
        if (Rule.KeepsHistory)
        {
            // Publications that the broker has accepted are in the history, if that can be read.
            _mustRead = true;
            ReadIfNeeded();
        }
        else if (!Rule.Durable)
        {
            DeliverOlder(long.MaxValue);
        }
    }

    // For rooms without history. Keeps the order of this node: no failed publication overtakes one that is in flight, and one that must be
    // stored does not overtake another such that is unanswered.
    private void DeliverOlder(long sequence)
    {
        _entries.Clear();
        _room.Outbox.CopyTo(_entries);
        bool isOneInFlight = false;
        foreach (PendingPublish entry in _entries)
        {
            bool isAnswered = entry.IsStored || entry.HasFailed;
            if (entry.Publication.NodeSequence < sequence && (!entry.MustBeStored || (isAnswered && !isOneInFlight)))
            {
                DeliverLocally(entry, toAudiences: true);
            }

            isOneInFlight |= entry.MustBeStored && !isAnswered;
        }
    }

    // Members have no offsets, and do not wait until the broker is available: once it is unknown whether a publish is stored, they are sent
    // it and later failed ones immediately, in the order of this node.
    private void DeliverFailedToMembers()
    {
        _entries.Clear();
        _room.OutboxIfAny?.CopyTo(_entries);
        int last = _entries.FindLastIndex(static entry => entry.HasFailed && !entry.MustBeStored);
        if (!_entries.Exists(static entry => entry.UnknownSinceRead >= 0))
        {
            return;
        }

        for (int i = 0; i <= last; i++)
        {
            if (!_entries[i].MustBeStored && !_entries[i].IsDeliveredToMembers)
            {
                _entries[i].IsDeliveredToMembers = true;
                DeliverToMembers(_entries[i].Publication, _entries[i].Publisher);
            }
        }
    }

    private void DeliverLocally(PendingPublish entry, bool toAudiences)
    {
        if (!Rule.KeepsHistory)
        {
            _lastWithoutBroker = Math.Max(_lastWithoutBroker, entry.Publication.NodeSequence);
        }

        if (!entry.IsDeliveredToMembers)
        {
            entry.IsDeliveredToMembers = true;
            DeliverToMembers(entry.Publication, entry.Publisher);
        }

        if (toAudiences && !entry.IsDeliveredToAudiences)
        {
            entry.IsDeliveredToAudiences = true;
            DeliverToAudiences(entry.Publication, entry.Publisher);
        }
    }

    // It will not be announced: this node's members and audiences are given it here, in its position, or its publisher is notified.
    // In a room with history it has no offset then, so listeners on other nodes, and those that reconnect, find a gap.
    private void GiveUp(PendingPublish entry)
    {
        if (entry.MustBeStored && !entry.IsStored)
        {
            return;
        }

        if (!Rule.KeepsHistory || !entry.IsStored || entry.IsUnnumbered)
        {
            DeliverLocally(entry, toAudiences: entry.Publication.NodeSequence > _locatedAfter);
            if (Rule.KeepsHistory && !entry.IsNotStored && !entry.IsUnnumbered)
            {
                _node.OweLoss(_room); // for the others the loss was recorded when they failed
            }
        }
    }

    // From the oldest on: an entry that is certainly not stored is given up once all earlier ones are settled; until then it waits behind
    // those that may still get an offset. An unknown one is settled by a read that began after it became unknown: if that did not return
    // it, it was not stored. One that the broker confirmed, and that two such reads have not returned, is lost for all, and listeners with
    // the position. The read is repeated until the broker answers it.
    private void Settle(int read)
    {
        if (!_hasFailed || _room.OutboxIfAny is not { } outbox)
        {
            return;
        }

        while (outbox.First is { } entry)
        {
            if (entry.UnknownSinceRead < 0 && entry.IsStored && read > 0)
            {
                entry.UnknownSinceRead = read;
            }

            if (!entry.IsNotStored && !(entry.UnknownSinceRead >= 0 && entry.UnknownSinceRead < read))
            {
                break;
            }

            outbox.Remove(entry, mayComeLate: !entry.IsNotStored);
            GiveUp(entry);
        }

        _entries.Clear();
        outbox.CopyTo(_entries);
        _hasFailed = _entries.Exists(static entry => entry.HasFailed);
        if (_hasFailed)
        {
            AskForRead();
        }
    }

    private void OnSkipped(StreamPosition skipped)
    {
        if (skipped.Offset == _sequence.Position.Offset + 1)
        {
            _sequence.Skip(skipped.Epoch);
        }
    }

    // The earlier members have left: publications that they were not given are lost, and detected by the offsets. A member may have joined
    // while the room was being unsubscribed, without waiting because the broker is unavailable: then the sequence continues.
    private void OnReset()
    {
        if (_room.Subscription.IsReferenced && _room.TryGetMembers(out Room? members) && members.Count > 0)
        {
            return;
        }

        _sequence.Reset();
        _withoutOffsetAt = None;
        _entries.Clear();
        _room.OutboxIfAny?.CopyTo(_entries);
        foreach (PendingPublish entry in _entries)
        {
            if (entry.HasFailed)
            {
                _room.Outbox.Remove(entry, mayComeLate: true);
                if (!entry.MustBeStored)
                {
                    _node.OweLoss(_room);
                }
            }
        }

        _hasFailed = false;
    }

    private void AskForRead() => Volatile.Write(ref _isReadDue, true);

    // ----- Reads of the history -----

    private void ReadIfNeeded()
    {
        if (_isReading || !(_mustRead || _waiting.Count > 0))
        {
            return;
        }

        _isReading = true;
        _mustRead = false;
        Volatile.Write(ref _isReadDue, false);
        (_beingServed, _waiting) = (_waiting, _beingServed);
        _recent.Clear();
        _isRecentBroken = false;
        _began = _sequence.Position;
        _reads++;
        _ = ReadAsync(QueryOf(_beingServed), _sequence.IsKnown ? _began : null);
    }

    // One read serves the room and all waiting listeners: from the earliest position that any of them needs.
    private HistoryQuery QueryOf(List<Subscribing> waiting)
    {
        long since = _sequence.IsKnown ? _sequence.Position.Offset : long.MaxValue;
        foreach (Subscribing subscribing in waiting)
        {
            since = Math.Min(since, subscribing.From?.Offset ?? long.MaxValue);
        }

        return since == long.MaxValue
            ? new HistoryQuery(Since: null, Limit: 0)
            : new HistoryQuery(new StreamPosition(_sequence.Epoch, since), Limit: -1);
    }

    private async Task ReadAsync(HistoryQuery query, StreamPosition? began)
    {
        RoomEvent read;
        try
        {
            RoomHistory history = await _node.ReadHistoryAsync(_room, query).ConfigureAwait(false);
            if (began is { } position && history.Top.Epoch != position.Epoch && !history.Holds(position))
            {
                // Offsets have another meaning now: all publications there are new to the room.
                history = await _node.ReadHistoryAsync(_room, new HistoryQuery(Since: null, Limit: -1)).ConfigureAwait(false);
            }

            read = RoomEvent.HistoryRead(history);
        }
        catch (Exception error)
        {
            read = RoomEvent.HistoryNotRead(error);
        }

        Post(read);
    }

    private void OnHistory(RoomHistory history)
    {
        bool isAtOnePlace = Apply(history);
        _isReading = false;
        Settle(isAtOnePlace ? _reads : NoRead); // else it has not returned all that is stored
        foreach (Subscribing subscribing in _beingServed)
        {
            if (isAtOnePlace)
            {
                Begin(subscribing, Recover(subscribing.From, history));
            }
            else
            {
                _waiting.Add(subscribing); // a publication is held or missing: no listener can join in between
            }
        }

        _beingServed.Clear();
        _recent.Clear();
        ReadIfNeeded();
    }

    // Delivers the result of a read. Returns true if no publication is held or missing after it.
    private bool Apply(RoomHistory history)
    {
        bool wasKnown = _sequence.IsKnown;
        _deliver.Clear();
        RoomSequence.Result result = _sequence.OnHistory(history, _began, _deliver);
        NoteLocated(wasKnown);
        if (wasKnown && _deliver.Count > 0)
        {
            RelayLog.FilledIn(_node.Logger, Name, _deliver.Count);
            _node.Metrics.FilledIn(_deliver.Count);
        }

        for (int i = 0; i <= _deliver.Count; i++)
        {
            if (i == result.BeforeLoss && result.Loss is { } reason)
            {
                _recent.Clear(); // not of the sequence that continues
                OnLost(reason, result.From);
                NoteUnknownAsLost(_deliver);
            }

            if (i < _deliver.Count)
            {
                Deliver(_deliver[i]);
            }
        }

        _mustRead |= result.MustReadAgain;
        return !result.MustReadAgain;
    }

    // A read that does not reach back does not show whether a publish that it has not returned is stored, if that is unknown since before
    // the read, or if the read has returned a later one of this node. Audiences have been notified that publications are lost; if this was
    // one of them, it is not given to them after that without its offset.
    private void NoteUnknownAsLost(List<Publication> found)
    {
        _entries.Clear();
        _room.OutboxIfAny?.CopyTo(_entries);
        if (_entries.Count == 0)
        {
            return;
        }

        HashSet<long> own = [.. found.Where(each => each.Node == _node.NodeId).Select(static each => each.NodeSequence)];
        long last = own.Count > 0 ? own.Max() : 0;
        foreach (PendingPublish entry in _entries)
        {
            long sequence = entry.Publication.NodeSequence;
            bool isUnknown = entry.UnknownSinceRead >= 0 && entry.UnknownSinceRead < _reads;
            entry.IsDeliveredToAudiences |= !entry.IsNotStored && (isUnknown || sequence < last) && !own.Contains(sequence);
        }
    }

    // All listeners begin at or after this position. No read returns earlier publications.
    private void NoteLocated(bool wasKnown)
    {
        if (!wasKnown && _sequence.IsKnown)
        {
            _locatedAfter = _node.LastSequence;
        }
    }

    private void OnHistoryNotRead(Exception error)
    {
        if (error is BrokerUnavailableException)
        {
            RelayLog.BrokerNotAsked(_node.Logger, error, Name);
        }
        else
        {
            RelayLog.BrokerFailed(_node.Logger, error, Name);
        }

        _deliver.Clear();
        bool wasKnown = _sequence.IsKnown;
        _sequence.OnHistoryNotRead(_deliver);
        NoteLocated(wasKnown);
        foreach (Publication publication in _deliver)
        {
            Deliver(publication);
        }

        _isReading = false;
        _mustRead = false;
        AskForRead(); // the node's maintenance, or the broker when it is available again, requests another
        _waiting.AddRange(_beingServed);
        _beingServed.Clear();
        foreach (Subscribing subscribing in _waiting)
        {
            if (subscribing.From is null && _sequence.IsKnown && _sequence.IsFlowing)
            {
                Begin(subscribing, new Recovery(IsRecovered: false, [], _sequence.Position)); // needs no earlier publications
            }
            else if (subscribing.TryTake())
            {
                subscribing.TrySetException(new BrokerUnavailableException("The history cannot be read.", isUnknown: false, error));
            }
        }

        _waiting.Clear();
    }

    // ----- Subscriptions -----

    private void OnSubscribe(Subscribing subscribing)
    {
        if (!Rule.KeepsHistory)
        {
            Begin(subscribing, new Recovery(IsRecovered: false, [], default));
        }
        else if (_sequence.IsKnown && _sequence.IsFlowing && IsHere(subscribing.From))
        {
            // No publication was missed up to the room's position, and from there on all are delivered: no read is needed, which saves one
            // for each of thousands that reconnect after a moment.
            Begin(subscribing,
                new Recovery(subscribing.From is { } from && !HasMissedOneWithoutOffset(from), [], _sequence.Position));
        }
        else
        {
            _waiting.Add(subscribing);
            ReadIfNeeded();
        }
    }

    // Earlier positions show it once an offset is skipped for it. Until then a returning listener may have been given it or not.
    private bool HasMissedOneWithoutOffset(StreamPosition from) => from.Offset <= _withoutOffsetAt;

    private bool IsHere(StreamPosition? from) => from is not { } position
        || (position.Offset == _sequence.Position.Offset && (position.Epoch.Length == 0 || position.Epoch == _sequence.Epoch));

    // The missed publications are those of the history, and after them those that were delivered while it was read.
    private Recovery Recover(StreamPosition? from, RoomHistory history)
    {
        StreamPosition here = _sequence.Position;
        if (from is not { } position)
        {
            return new Recovery(IsRecovered: false, [], here);
        }

        bool isOtherEpoch = history.Top.Epoch != here.Epoch
            || (position.Epoch.Length > 0 && position.Epoch != here.Epoch && !history.Holds(position));
        if (isOtherEpoch || _isRecentBroken || HasMissedOneWithoutOffset(position))
        {
            return new Recovery(IsRecovered: false, [], here);
        }

        List<Publication> missed = [];
        long last = position.Offset;
        foreach (Publication publication in history.Publications.Concat(_recent))
        {
            if (publication.Offset == last + 1)
            {
                missed.Add(publication);
                last++;
            }
        }

        return last == here.Offset ? new Recovery(IsRecovered: true, missed, here) : new Recovery(IsRecovered: false, [], here);
    }

    private void Begin(Subscribing subscribing, Recovery recovery)
    {
        if (!subscribing.TryTake())
        {
            return;
        }

        _batch.Deliver(); // a listener that is itself a member of an engine room joins after earlier publications
        if (subscribing.From is not null)
        {
            _node.Metrics.Recovery(recovery.IsRecovered);
        }

        try
        {
            subscribing.Listener.OnSubscribed(AudienceOf(subscribing.Audiences), recovery);
            subscribing.TrySetResult(recovery);
        }
        catch (Exception error)
        {
            subscribing.TrySetException(error);
        }
    }

    private IRoomAudience AudienceOf(IRoomAudienceFactory factory)
    {
        foreach ((IRoomAudienceFactory known, IRoomAudience audience) in _protocols)
        {
            if (ReferenceEquals(known, factory))
            {
                return audience;
            }
        }

        IRoomAudience made = factory.Create(_room);
        _protocols = [.. _protocols, (factory, made)];
        _audiences = [.. _audiences, made];
        return made;
    }
}
