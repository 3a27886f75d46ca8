using Weir.Connections;
using Weir.Protocol;
using Weir.Protocols.Centrifugo.Protocol;
using Weir.Relay.Brokers;
using Weir.Relay.Rooms;
using Weir.Rooms;

namespace Weir.Protocols.Centrifugo.Sessions;

/// <summary>
/// The subscriptions of one channel on this node. Each event is encoded once; connections receive it as shared frames, by a room
/// of the engine.
/// </summary>
/// <remarks>
/// Two kinds of sessions receive each message individually: streams, and connections whose connect is not answered yet, which
/// move to the shared ones when it is. The list has its own lock, under which no other code is called; joins and events of the
/// room come from the room event loop, removals from any thread.
/// </remarks>
internal sealed class ChannelAudience : IRoomAudience
{
    private readonly CentrifugoHub _hub;
    private readonly ChannelName _channel;
    private readonly PublicationBatch _batch;
    private readonly Lock _gate = new();
    private readonly List<ClientSubscription> _all = [];
    private readonly HashSet<ClientSubscription> _single = [];
    private ClientSubscription[]? _singles;

    public ChannelAudience(LocalRoom room, CentrifugoHub hub)
    {
        Room = room;
        _hub = hub;
        _channel = hub.Form.Encode(room.Name);
        _batch = new PublicationBatch(hub.Members);
    }

    public LocalRoom Room { get; }

    // The room may still have raw members, whose messages are then not encoded here.
    private bool IsEmpty
    {
        get
        {
            lock (_gate)
            {
                return _all.Count == 0;
            }
        }
    }

    /// <summary>Adds a subscription, which receives everything from now on. In the room's order.</summary>
    public void Add(ClientSubscription subscription)
    {
        lock (_gate)
        {
            subscription.Index = _all.Count;
            _all.Add(subscription);
            if (!IsShared(subscription))
            {
                _single.Add(subscription);
                _singles = null;
                return;
            }
        }

        Join(subscription);
    }

    public void Remove(ClientSubscription subscription)
    {
        lock (_gate)
        {
            ClientSubscription last = _all[^1];
            _all[subscription.Index] = last;
            last.Index = subscription.Index;
            _all.RemoveAt(_all.Count - 1);
            if (_single.Remove(subscription))
            {
                _singles = null;
            }
        }

        if (subscription.Session.Connection is { } connection)
        {
            _hub.Members.Leave(Room.Name, connection);
            _hub.Watchers.Leave(Room.Name, connection);
        }
    }

    public void OnPublication(LocalRoom room, Publication publication, IRoomMember? except)
    {
        if (IsEmpty)
        {
            return;
        }

        ReplyBatch push = _hub.Form.RentBatch();
        push.AddPublicationPush(_channel, publication);
        Deliver(push, _hub.Members, watchersOnly: false, publication.Key);
        push.Return();
    }

    public void OnPresenceChanged(LocalRoom room, RoomMember member, bool hasJoined)
    {
        if (IsEmpty)
        {
            return;
        }

        ReplyBatch push = _hub.Form.RentBatch();
        push.AddPresencePush(_channel, member, hasJoined);
        Deliver(push, _hub.Watchers, watchersOnly: true, key: null);
        push.Return();
    }

    public void OnPositionLost(LocalRoom room, StreamPosition now, PositionLoss reason)
    {
        Walk();
        ClientSubscription[] all;
        lock (_gate)
        {
            all = [.. _all];
        }

        foreach (ClientSubscription subscription in all)
        {
            subscription.Session.OnPositionLost(subscription);
        }
    }

    public void OnPause(LocalRoom room) => Walk();

    /// <summary>Delivers the batch. In the room's order.</summary>
    public void Walk() => _batch.Deliver();

    private static bool IsShared(ClientSubscription subscription) => subscription.Session is { Connection: not null, IsOpen: true };

    private void Join(ClientSubscription subscription)
    {
        WeirConnection connection = subscription.Session.Connection!;
        _hub.Members.Join(Room.Name, connection);
        if (subscription.ReceivesJoins)
        {
            _hub.Watchers.Join(Room.Name, connection);
        }
    }

    // Subscriptions whose connect was answered since.
    private void MoveOver()
    {
        foreach (ClientSubscription subscription in Singles())
        {
            if (IsShared(subscription))
            {
                Walk(); // it has received the batch individually
                subscription.Session.MoveOver(this, subscription);
            }
        }
    }

    /// <summary>Moves a subscription to the shared members; its session has verified that it is active.</summary>
    public void ShareInsideSession(ClientSubscription subscription)
    {
        lock (_gate)
        {
            _single.Remove(subscription);
            _singles = null;
        }

        Join(subscription);
    }

    private void Deliver(ReplyBatch push, RoomDirectory shared, bool watchersOnly, string? key)
    {
        MoveOver();
        if (shared.TryGet(Room.Name, out Room? members))
        {
            _batch.Add(members, push.Message.Span, MessageKind.Text, except: null, key);
        }

        EncodedPush? encoded = null;
        foreach (ClientSubscription subscription in Singles())
        {
            if (!watchersOnly || subscription.ReceivesJoins)
            {
                encoded ??= new EncodedPush(push.Message.ToArray());
                subscription.Session.Deliver(encoded);
            }
        }
    }

    private ClientSubscription[] Singles()
    {
        lock (_gate)
        {
            return _singles ??= [.. _single];
        }
    }
}
