using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Http;
using Weir.Connections;
using Weir.Handshake;
using Weir.Http;
using Weir.Relay.Diagnostics;
using HeaderNames = Microsoft.Net.Http.Headers.HeaderNames;

namespace Weir.Relay.Sse;

/// <summary>
/// A path of Server-Sent Events: judges the request as a WebSocket's handshake is judged, subscribes to its rooms and
/// writes until the client goes.
/// </summary>
internal sealed class SseEndpoint : IRoomAudienceFactory, IRelayClients
{
    private const string Challenge = "WWW-Authenticate: Bearer";

    private static readonly HandshakeRefusal _unauthorized = new(401, "A valid token is needed.", Challenge, "unauthorized");
    private static readonly HandshakeRefusal _expired = new(401, "The token has expired.", Challenge, "unauthorized");
    private static readonly HandshakeRefusal _forbidden = new(403, "Not allowed in a room of these.", Name: "forbidden");
    private static readonly HandshakeRefusal _unavailable = new(503, "Tokens cannot be judged now.", "Retry-After: 5", "auth_unavailable");

    private readonly ConcurrentDictionary<string, SseStream> _streams = new(StringComparer.Ordinal);
    private readonly RelayNode _relay;
    private readonly WeirEngine _engine;
    private readonly IClientAccess _access;
    private readonly SseSettings _settings;
    private readonly StreamDoor _door;
    private long _lastId;

    public SseEndpoint(RelayNode relay, WeirEngine engine, IClientAccess access, SseOptions options)
    {
        _relay = relay;
        _engine = engine;
        _access = access;
        _settings = new SseSettings(options, engine);
        _door = new StreamDoor(engine, new OriginPolicy(options.AllowedOrigins));
        relay.AddClients(this);
        engine.AlsoDrains.Add(DrainAsync);
    }

    public int Count => _streams.Count;

    public IRoomAudience Create(LocalRoom room) => new SseAudience();

    public void Disconnect(Disconnection what)
    {
        if (_streams.TryGetValue(what.Client, out SseStream? stream))
        {
            stream.End(SseFormat.Retry(_settings.ReconnectAfter));
        }
        else if (what.Client.Length == 0 && what.User.Length > 0)
        {
            foreach ((_, SseStream each) in _streams)
            {
                if (each.User == what.User)
                {
                    each.End(SseFormat.Retry(_settings.ReconnectAfter));
                }
            }
        }
    }

    public async Task InvokeAsync(HttpContext http)
    {
        http.Response.Headers[HeaderNames.CacheControl] = "no-cache";
        if (!_door.AllowsOrigin(http))
        {
            await _door.RefuseAsync(http, HandshakeRefusal.ForbiddenOrigin).ConfigureAwait(false);
            return;
        }

        IPAddress? address = _door.AddressOf(http);
        if (_engine.Gate.Enter(address) is { } full)
        {
            await _door.RefuseAsync(http, full).ConfigureAwait(false);
            return;
        }

        HandshakeRefusal? refusal;
        try
        {
            refusal = await ServeUnlessRefusedAsync(http).ConfigureAwait(false);
        }
        finally
        {
            _engine.Gate.Leave(address);
        }

        if (refusal is not null)
        {
            await _door.RefuseAsync(http, refusal).ConfigureAwait(false);
        }
    }

    /// <summary>Ends the streams there are over a window, each with a time of its own to come back.</summary>
    public Task DrainAsync(TimeSpan window, CancellationToken hurry) => _door.DrainAsync(
        [.. _streams.Values],
        stream => stream.End(SseFormat.Retry(_settings.ReconnectAfter * (0.5 + Random.Shared.NextDouble()))),
        window,
        hurry);

    private async Task<HandshakeRefusal?> ServeUnlessRefusedAsync(HttpContext http)
    {
        RoomAdmission admission;
        try
        {
            admission = await RoomAdmission.JudgeAsync(
                _access, _relay, HttpRequests.ToUpgradeRequest(http.Request), http.RequestAborted).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            return null; // it did not wait to hear whether it may
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
        SseStream stream = new(id, admission.Rooms.Count, http.Response.BodyWriter, http.Abort, _settings, client.User);
        List<(LocalRoom Room, SseSubscription Subscription)> subscribed = [];
        try
        {
            StreamDoor.StartResponse(http, "text/event-stream");
            bool isAway = false;
            if (admission.ExpiresAt is { } end)
            {
                stream.EndAfter(end - _engine.Time.GetUtcNow());
            }

            foreach (SseSubscription subscription in Subscriptions(http.Request, stream, admission.Rooms))
            {
                try
                {
                    LocalRoom room = await _relay.SubscribeAsync(subscription.Name, this, subscription, subscription.From, gone).ConfigureAwait(false);
                    subscribed.Add((room, subscription));
                    if (room.Rule.Presence)
                    {
                        _relay.SetPresence(room, new RoomMember(id, client.User, client.Info, admission.Rooms[subscription.Room].Info));
                    }
                }
                catch (BrokerUnavailableException)
                {
                    // A browser that is refused never comes back; one whose stream ends does, with the same last id.
                    isAway = true;
                    break;
                }
            }

            _streams[id] = stream;
            if (isAway || _engine.Gate.IsDraining)
            {
                stream.End(SseFormat.Retry(_settings.ReconnectAfter));
            }

            await stream.RunAsync(gone).ConfigureAwait(false);
            RelayLog.StreamEnded(_relay.Logger, null, id);
        }
        catch (Exception error) when (error is OperationCanceledException or IOException || gone.IsCancellationRequested)
        {
            if (stream.IsTooSlow)
            {
                RelayLog.StreamTooSlow(_relay.Logger, id);
                _engine.Metrics.TooSlow();
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

    private static IEnumerable<SseSubscription> Subscriptions(HttpRequest request, SseStream stream, IReadOnlyList<AdmittedRoom> rooms)
    {
        string last = request.Headers["Last-Event-ID"].ToString() is { Length: > 0 } header ? header : request.Query["last"].ToString();
        StreamPosition?[] positions = new StreamPosition?[rooms.Count];
        bool isUnreadable = last.Length > 0 && !SseFormat.TryParseId(last, positions);
        for (int i = 0; i < rooms.Count; i++)
        {
            yield return new SseSubscription(stream, rooms[i].Name, i, isUnreadable ? null : positions[i], isUnreadable ? "invalid" : null);
        }
    }
}
