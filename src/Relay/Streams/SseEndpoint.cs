using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Weir.Handshake;
using Weir.Http;
using Weir.Relay.Access;
using Weir.Relay.Brokers;
using Weir.Relay.Diagnostics;
using Weir.Relay.Nodes;
using Weir.Relay.Rooms;

namespace Weir.Relay.Streams;

/// <summary>
/// A path of Server-Sent Events: evaluates the request like a WebSocket handshake, subscribes to its rooms and writes until the client
/// disconnects.
/// </summary>
internal sealed class SseEndpoint : IRoomAudienceFactory, IRelayClients
{
    private const string Challenge = "WWW-Authenticate: Bearer";

    private static readonly HandshakeRefusal _unauthorized = new(401, "A valid token is needed.", Challenge, "unauthorized");
    private static readonly HandshakeRefusal _expired = new(401, "The token has expired.", Challenge, "unauthorized");
    private static readonly HandshakeRefusal _forbidden = new(403, "Access to one of these rooms is denied.", Name: "forbidden");
    private static readonly HandshakeRefusal _unavailable =
        HandshakeRefusal.Temporary(503, "Tokens cannot be verified now.", 5, "auth_unavailable");

    private readonly ConcurrentDictionary<string, ResponseStream> _streams = new(StringComparer.Ordinal);
    private readonly RelayNode _relay;
    private readonly WeirNode _node;
    private readonly IClientAccess _access;
    private readonly StreamSettings _settings;
    private readonly HttpStreamAdmission _admission;
    private long _lastId;

    public SseEndpoint(
        RelayNode relay, WeirNode node, IClientAccess access, StreamSettings settings, OriginPolicy origins, int maxHeadBytes)
    {
        _relay = relay;
        _node = node;
        _access = access;
        _settings = settings;
        _admission = new HttpStreamAdmission(node, relay, origins, access.UsesCookies, maxHeadBytes);
        relay.AddClients(this);
        node.AddDrain(DrainAsync);
    }

    public int Count => _streams.Count;

    public IRoomAudience Create(LocalRoom room) => new SseAudience();

    public void Disconnect(Disconnection what)
    {
        if (_streams.TryGetValue(what.Client, out ResponseStream? stream))
        {
            stream.End(LastEventOf(what));
        }
        else if (what.Client.Length == 0 && what.User.Length > 0)
        {
            foreach ((_, ResponseStream each) in _streams)
            {
                if (each.User == what.User)
                {
                    each.End(LastEventOf(what));
                }
            }
        }
    }

    // As with Centrifugo's protocol: after a code from 3500 to 3999 or from 4500 to 4999 a client does not reconnect.
    private byte[] LastEventOf(Disconnection what)
        => (int)what.Code % 1000 >= 500 ? SseFormat.Final(what.Code, what.Reason) : _settings.RetryEvent();

    // A client of these streams needs only the reconnection time.
    public Task InvokeAsync(HttpContext http)
        => _admission.InvokeAsync(
            http, HttpMethods.Get, request => _admission.EnterAsync(request, ServeUnlessRefusedAsync), static _ => []);

    /// <summary>Ends the current streams over a window, each with a reconnection time of its own.</summary>
    public Task DrainAsync(TimeSpan window, CancellationToken abortToken) => _node.SpreadAsync(
        [.. _streams.Values],
        stream => stream.End(_settings.RetryEvent()),
        window,
        abortToken);

    private async Task<HandshakeRefusal?> ServeUnlessRefusedAsync(HttpContext http)
    {
        RoomAdmission admission;
        try
        {
            admission = await RoomAdmission.EvaluateAsync(
                _access, _relay, http.Features.GetRequiredFeature<UpgradeRequest>(), http.RequestAborted).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            return null; // the client disconnected before the evaluation completed
        }

        if (RefusalOf(admission) is { } refusal)
        {
            return refusal;
        }

        _relay.Metrics.StreamOpened();
        try
        {
            await ServeAsync(http, admission).ConfigureAwait(false);
        }
        finally
        {
            _relay.Metrics.StreamClosed();
        }

        return null;
    }

    private static HandshakeRefusal? RefusalOf(RoomAdmission admission) => (admission.Complaint, admission.Refusal) switch
    {
        ({ } complaint, _) => new HandshakeRefusal(400, complaint, Name: "rooms"),
        (_, AccessRefusal.None) => null,
        (_, AccessRefusal.Denied) => _forbidden,
        (_, AccessRefusal.Unavailable) => _unavailable,
        (_, AccessRefusal.Expired) => _expired,
        _ => _unauthorized,
    };

    private async Task ServeAsync(HttpContext http, RoomAdmission admission)
    {
        CancellationToken gone = http.RequestAborted;
        string id = $"{_relay.NodeId}-sse{Interlocked.Increment(ref _lastId)}";
        ClientIdentity client = admission.Identity!;
        Resumption back = await ReadLastIdAsync(http.Request, admission.Rooms, gone).ConfigureAwait(false);
        ResponseStream stream = new(id, CursorOf(back, admission.Rooms), http.Response.BodyWriter, http.Reset, _settings, client.User);
        List<(LocalRoom Room, SseSubscription Subscription)> subscribed = [];
        try
        {
            HttpStreamAdmission.StartResponse(http, "text/event-stream");
            bool isUnavailable = back.IsUnavailable;
            for (int i = 0; i < admission.Rooms.Count && !isUnavailable; i++)
            {
                SseSubscription subscription = new(stream, admission.Rooms[i].Name, i, back.From[i], back.IsUnreadable ? "invalid" : null);
                try
                {
                    LocalRoom room = await _relay.SubscribeAsync(subscription.Name, this, subscription, subscription.From, gone)
                        .ConfigureAwait(false);
                    subscribed.Add((room, subscription));
                    if (room.Rule.Presence)
                    {
                        _relay.SetPresence(room, new RoomMember(id, client.User, client.Info, admission.Rooms[subscription.Room].Info));
                    }
                }
                catch (BrokerUnavailableException)
                {
                    // A browser that is refused never reconnects; one whose stream ends does, with the same last id.
                    isUnavailable = true;
                }
            }

            _streams[id] = stream;
            if (isUnavailable || _node.IsDraining)
            {
                stream.End(_settings.RetryEvent());
            }

            if (admission.ExpiresAt is { } end)
            {
                stream.EndAt(end);
            }

            await stream.RunAsync(gone).ConfigureAwait(false);
            RelayLog.StreamEnded(_relay.Logger, null, id);
        }
        catch (Exception error) when (error is OperationCanceledException or IOException || gone.IsCancellationRequested)
        {
            if (stream.IsTooSlow)
            {
                RelayLog.StreamTooSlow(_relay.Logger, id);
                _node.CountTooSlow();
            }
            else
            {
                RelayLog.StreamEnded(_relay.Logger, error, id);
            }
        }
        finally
        {
            _streams.TryRemove(id, out _);
            foreach ((LocalRoom room, SseSubscription subscription) in subscribed)
            {
                subscription.Leave();
                if (room.Rule.Presence)
                {
                    _relay.RemovePresence(room, id);
                }

                _relay.Unsubscribe(room);
            }
        }
    }

    private async Task<Resumption> ReadLastIdAsync(HttpRequest request, IReadOnlyList<AdmittedRoom> rooms, CancellationToken gone)
    {
        string last = request.Headers["Last-Event-ID"].ToString() is { Length: > 0 } header ? header : request.Query["last"].ToString();
        StreamPosition?[] from = new StreamPosition?[rooms.Count];
        if (last.Length == 0)
        {
            return new Resumption(from);
        }

        List<(int Room, StreamPosition Position)>? kept = [];
        SseId? id = SseId.TryParse(last, rooms.Count, SseId.DigestOf(rooms));
        if (id?.Log is { } log)
        {
            try
            {
                kept = await SseLog.ReadAsync(_relay, log, id.Entry, rooms.Count, gone).ConfigureAwait(false);
            }
            catch (BrokerUnavailableException)
            {
                return new Resumption(from) { IsUnavailable = true };
            }
        }

        if (id is null || kept is null)
        {
            return new Resumption(from) { IsUnreadable = true };
        }

        foreach ((int room, StreamPosition position) in kept.Concat(id.Positions))
        {
            from[room] = position == default ? null : position;
        }

        return new Resumption(from);
    }

    // Until the client is given more, its positions are those of its request; if they could not be read, publications may be missing.
    private SseCursor CursorOf(Resumption back, IReadOnlyList<AdmittedRoom> rooms)
    {
        StreamPosition[] positions = [.. back.From.Select(from => from ?? (back.IsUnreadable ? SseCursor.Unknown : default))];
        return new SseCursor(
            positions,
            SseId.DigestOf(rooms),
            rooms.Count > SseId.MostPositions ? new SseLog(_relay, rooms.Count, LifetimeOf(rooms)) : null);
    }

    private TimeSpan LifetimeOf(IReadOnlyList<AdmittedRoom> rooms)
    {
        TimeSpan longest = TimeSpan.FromHours(1);
        foreach (AdmittedRoom room in rooms)
        {
            RoomRule rule = _relay.RuleOf(room.Name);
            TimeSpan kept = rule.HistoryTtl > TimeSpan.Zero ? rule.HistoryTtl : TimeSpan.FromDays(1);
            longest = rule.KeepsHistory && kept > longest ? kept : longest;
        }

        return longest;
    }

    /// <summary>The content of a client's last id.</summary>
    /// <param name="From">The position in each room; <c>null</c> if the id names none.</param>
    private sealed record Resumption(StreamPosition?[] From)
    {
        /// <summary>There is an id, and it is not one of these rooms, or the log that it refers to has expired.</summary>
        public bool IsUnreadable { get; init; }

        /// <summary>The broker, which is needed to read it, is unavailable.</summary>
        public bool IsUnavailable { get; init; }
    }
}
