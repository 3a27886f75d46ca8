using System.Text.Encodings.Web;
using System.Text.Json;
using Weir.Centrifugo.Protocol;
using Weir.Framing;
using Weir.Relay;
using Weir.Relay.Api;
using Weir.Relay.Rooms;

namespace Weir.Centrifugo.Sessions;

/// <summary>
/// The subscriptions of one channel on this node. What happens in it is encoded once; connections are given it as a run of
/// frames that all of them share, by a room of the engine.
/// </summary>
/// <remarks>
/// Two kinds of sessions are given each message by themselves: streams, and connections whose connect is not answered yet,
/// which move over to the others when it is. The list has its own lock, under which nothing is called; joins and what the room
/// says come from the room's drain, those who leave from anywhere.
/// </remarks>
internal sealed class ChannelAudience : IRoomAudience
{
    private readonly CentrifugoHub _hub;
    private readonly JsonEncodedText _channel;
    private readonly RunGathering _run;
    private readonly List<ClientSubscription> _all = [];
    private readonly HashSet<ClientSubscription> _single = [];
    private ClientSubscription[]? _singles;

    public ChannelAudience(LocalRoom room, CentrifugoHub hub)
    {
        Room = room;
        _hub = hub;
        _channel = JsonEncodedText.Encode(room.Name, JavaScriptEncoder.UnsafeRelaxedJsonEscaping);
        _run = new RunGathering(hub.Members.Runs);
    }

    public LocalRoom Room { get; }

    // Members of the raw kind may be there all the same, and what they say need not be encoded for nobody.
    private bool IsEmpty
    {
        get
        {
            lock (_all)
            {
                return _all.Count == 0;
            }
        }
    }

    /// <summary>Puts a subscription in, which hears everything from now on. In the room's order.</summary>
    public void Add(ClientSubscription subscription)
    {
        lock (_all)
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
        lock (_all)
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

    public void OnPublication(LocalRoom room, Publication publication, WeirConnection? except)
    {
        if (IsEmpty)
        {
            return;
        }

        ReplyBatch push = ReplyBatch.Rent();
        Utf8JsonWriter json = BeginPush(push);
        json.WritePropertyName("pub"u8);
        PublicationFormat.Write(json, publication);
        EndPush(push);
        Tell(push, _hub.Members, watchersOnly: false, publication.Key);
        push.Return();
    }

    public void OnPresenceChanged(LocalRoom room, RoomMember member, bool hasJoined)
    {
        if (IsEmpty)
        {
            return;
        }

        ReplyBatch push = ReplyBatch.Rent();
        Utf8JsonWriter json = BeginPush(push);
        json.WriteStartObject(hasJoined ? "join"u8 : "leave"u8);
        json.WritePropertyName("info"u8);
        ApiAnswer.WriteMember(json, member);
        json.WriteEndObject();
        EndPush(push);
        Tell(push, _hub.Watchers, watchersOnly: true, key: null);
        push.Return();
    }

    public void OnPositionLost(LocalRoom room, StreamPosition now, PositionLoss reason)
    {
        Walk();
        ClientSubscription[] all;
        lock (_all)
        {
            all = [.. _all];
        }

        foreach (ClientSubscription subscription in all)
        {
            subscription.Session.OnPositionLost(subscription);
        }
    }

    public void OnPause(LocalRoom room) => Walk();

    /// <summary>Hands out what was gathered. In the room's order.</summary>
    public void Walk() => _run.Walk();

    private static bool IsShared(ClientSubscription subscription) => subscription.Session is { Connection: not null, IsOpen: true };

    private void Join(ClientSubscription subscription)
    {
        WeirConnection connection = subscription.Session.Connection!;
        _hub.Members.Join(Room.Name, connection);
        if (subscription.WantsJoins)
        {
            _hub.Watchers.Join(Room.Name, connection);
        }
    }

    // Those whose connect was answered since.
    private void MoveOver()
    {
        foreach (ClientSubscription subscription in Singles())
        {
            if (IsShared(subscription))
            {
                Walk(); // it has heard this by itself
                subscription.Session.MoveOver(this, subscription);
            }
        }
    }

    /// <summary>The subscription's session has seen that it is still there: from now on it hears with the others.</summary>
    public void ShareInsideSession(ClientSubscription subscription)
    {
        lock (_all)
        {
            _single.Remove(subscription);
            _singles = null;
        }

        Join(subscription);
    }

    private void Tell(ReplyBatch message, RoomDirectory shared, bool watchersOnly, string? key)
    {
        MoveOver();
        if (shared.TryGet(Room.Name, out Room? members))
        {
            _run.Add(members, except: null, Opcode.Text, message.Lines.Span, key);
        }

        Push? push = null;
        foreach (ClientSubscription subscription in Singles())
        {
            if (!watchersOnly || subscription.WantsJoins)
            {
                push ??= new Push(message.Lines.ToArray());
                subscription.Session.Deliver(push);
            }
        }
    }

    private ClientSubscription[] Singles()
    {
        lock (_all)
        {
            return _singles ??= [.. _single];
        }
    }

    private Utf8JsonWriter BeginPush(ReplyBatch batch)
    {
        Utf8JsonWriter json = batch.BeginLine();
        json.WriteStartObject("push"u8);
        json.WriteString("channel"u8, _channel);
        return json;
    }

    private static void EndPush(ReplyBatch batch)
    {
        batch.Json.WriteEndObject();
        batch.EndLine();
    }
}
