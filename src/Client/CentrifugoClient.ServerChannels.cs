using System.Diagnostics;
using Weir.Client.Centrifugo;
using Weir.Client.Events;

namespace Weir.Client;

// Server-side subscriptions: channels that the server has subscribed the connection to. They begin with a connection; the client
// keeps its position in each and sends it when it reconnects.
public sealed partial class CentrifugoClient
{
    // The position up to which a channel is complete; null without positions. Guarded by _gate.
    private readonly Dictionary<string, ClientStreamPosition?> _serverChannels = new(StringComparer.Ordinal);

    /// <summary>Gets the event that the application receives in place of a dropped one.</summary>
    private static ServerPositionLost? InPlaceOf(ClientEvent dropped) => dropped switch
    {
        ServerPublished published => new ServerPositionLost(published.Channel),
        ServerPositionLost lost => lost,
        _ => null,
    };

    private List<KeyValuePair<string, ClientStreamPosition>> ServerPositions()
    {
        lock (_gate)
        {
            return [.. _serverChannels.Where(static each => each.Value is not null)
                .Select(static each => KeyValuePair.Create(each.Key, each.Value!.Value))];
        }
    }

    /// <summary>Called with the channels of a new connection.</summary>
    private void OnServerChannels(IReadOnlyDictionary<string, SubscribeResult> channels)
    {
        List<ClientEvent> events = [];
        lock (_gate)
        {
            foreach (string gone in _serverChannels.Keys.Where(known => !channels.ContainsKey(known)).ToArray())
            {
                _serverChannels.Remove(gone);
                events.Add(new ServerUnsubscribed(gone, 0, "the new connection is not subscribed to it"));
            }

            foreach ((string channel, SubscribeResult result) in channels)
            {
                BeginInsideLock(channel, result, events);
            }
        }

        foreach (ClientEvent what in events)
        {
            _inbox.TryAdd(what);
        }
    }

    private void OnServerChannel(ServerPush push)
    {
        List<ClientEvent> events = [];
        lock (_gate)
        {
            switch (push.Kind)
            {
                case PushKind.Publication when _leaving.ContainsKey(push.Channel):
                    break; // belongs to a subscription that the client has just ended
                case PushKind.Publication:
                    PublishInsideLock(push.Channel, push.Publication!, events);
                    break;
                case PushKind.Subscribe:
                    BeginInsideLock(push.Channel, push.Subscribe!, events);
                    break;
                default:
                    if (_serverChannels.Remove(push.Channel))
                    {
                        events.Add(new ServerUnsubscribed(push.Channel, push.Code, push.Reason));
                    }

                    break;
            }
        }

        foreach (ClientEvent what in events)
        {
            _inbox.TryAdd(what);
        }
    }

    private void BeginInsideLock(string channel, SubscribeResult result, List<ClientEvent> events)
    {
        Debug.Assert(_gate.IsHeldByCurrentThread);
        bool wasKnown = _serverChannels.TryGetValue(channel, out ClientStreamPosition? since);
        bool isRecovered = result.Recovered && since is not null;
        if (wasKnown && !isRecovered)
        {
            events.Add(new ServerPositionLost(channel)); // publications since then may be missing
        }

        // As for client-side subscriptions: after its own position, or after the one that the server reports.
        _serverChannels[channel] = isRecovered && result.Position is { } top ? since!.Value with { Epoch = top.Epoch } : result.Position;
        foreach (ClientPublication publication in result.Publications)
        {
            PublishInsideLock(channel, publication, events);
        }
    }

    private void PublishInsideLock(string channel, ClientPublication publication, List<ClientEvent> events)
    {
        Debug.Assert(_gate.IsHeldByCurrentThread);
        ClientStreamPosition? position = _serverChannels.GetValueOrDefault(channel);
        if (publication.Offset != 0 && position is { } before)
        {
            if (publication.Offset <= before.Offset)
            {
                return; // already received
            }

            _serverChannels[channel] = before with { Offset = publication.Offset };
        }

        events.Add(new ServerPublished(channel, publication));
    }
}
