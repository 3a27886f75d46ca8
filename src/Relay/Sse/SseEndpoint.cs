using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Http;
using Weir.Connections;
using Weir.Handshake;
using Weir.Relay.Diagnostics;
using HeaderNames = Microsoft.Net.Http.Headers.HeaderNames;

namespace Weir.Relay.Sse;

/// <summary>
/// A path of Server-Sent Events: judges the request as a WebSocket's handshake is judged, subscribes to its rooms and
/// writes until the client goes.
/// </summary>
internal sealed class SseEndpoint : IRoomAudienceFactory, IRelayClients
{
    private readonly ConcurrentDictionary<string, SseStream> _streams = new(StringComparer.Ordinal);
    private readonly RelayNode _relay;
    private readonly WeirEngine _engine;
    private readonly SseSettings _settings;
    private readonly StreamDoor _door;
    private long _lastId;

    public SseEndpoint(RelayNode relay, WeirEngine engine, SseOptions options)
    {
        _relay = relay;
        _engine = engine;
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
    }

    public async Task InvokeAsync(HttpContext http)
    {
        http.Response.Headers[HeaderNames.CacheControl] = "no-cache";
        if (!_door.AllowsOrigin(http))
        {
            await _door.RefuseAsync(http, HandshakeRefusal.ForbiddenOrigin).ConfigureAwait(false);
            return;
        }

        string[] rooms = [.. http.Request.Query["room"].OfType<string>().Distinct(StringComparer.Ordinal)];
        if (_relay.ComplaintAbout(rooms) is { } complaint)
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            await http.Response.WriteAsync(complaint + "\n").ConfigureAwait(false);
            return;
        }

        IPAddress? address = _door.AddressOf(http);
        if (_engine.Gate.Enter(address) is { } refusal)
        {
            await _door.RefuseAsync(http, refusal).ConfigureAwait(false);
            return;
        }

        _relay.Metrics.StreamOpened();
        try
        {
            await ServeAsync(http, rooms).ConfigureAwait(false);
        }
        finally
        {
            _relay.Metrics.StreamClosed();
            _engine.Gate.Leave(address);
        }
    }

    /// <summary>Ends the streams there are over a window, each with a time of its own to come back.</summary>
    public Task DrainAsync(TimeSpan window, CancellationToken hurry) => _door.DrainAsync(
        [.. _streams.Values],
        stream => stream.End(SseFormat.Retry(_settings.ReconnectAfter * (0.5 + Random.Shared.NextDouble()))),
        window,
        hurry);

    private async Task ServeAsync(HttpContext http, string[] rooms)
    {
        CancellationToken gone = http.RequestAborted;
        string id = $"{_relay.NodeId}-sse{Interlocked.Increment(ref _lastId)}";
        SseStream stream = new(id, rooms.Length, http.Response.BodyWriter, http.Abort, _settings);
        List<(LocalRoom Room, SseSubscription Subscription)> subscribed = [];
        try
        {
            StreamDoor.StartResponse(http, "text/event-stream");
            bool isAway = false;
            foreach (SseSubscription subscription in Subscriptions(http.Request, stream, rooms))
            {
                try
                {
                    LocalRoom room = await _relay.SubscribeAsync(subscription.Name, this, subscription, subscription.From, gone).ConfigureAwait(false);
                    subscribed.Add((room, subscription));
                    if (room.Rule.Presence)
                    {
                        _relay.SetPresence(room, new RoomMember(id, "", default, default));
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

    private static IEnumerable<SseSubscription> Subscriptions(HttpRequest request, SseStream stream, string[] rooms)
    {
        string last = request.Headers["Last-Event-ID"].ToString() is { Length: > 0 } header ? header : request.Query["last"].ToString();
        StreamPosition?[] positions = new StreamPosition?[rooms.Length];
        bool isUnreadable = last.Length > 0 && !SseFormat.TryParseId(last, positions);
        for (int i = 0; i < rooms.Length; i++)
        {
            yield return new SseSubscription(stream, rooms[i], i, isUnreadable ? null : positions[i], isUnreadable ? "invalid" : null);
        }
    }
}
