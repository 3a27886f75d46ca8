using System.Diagnostics;
using Weir.Client.Centrifugo;

namespace Weir.Client;

// Channels that the server, not the client, has subscribed the connection to. They begin with a connection; the client remembers how far
// it has come in each, and says so when it connects again.
public sealed partial class CentrifugoClient
{
    // Up to where everything of a channel has come; null where there are no positions. Belongs to the lock.
    private readonly Dictionary<string, StreamPosition?> _serverChannels = new(StringComparer.Ordinal);

    /// <summary>What is given to the user in place of an event for which there was no place.</summary>
    private static ServerPositionLost? InPlaceOf(ClientEvent dropped) => dropped switch
    {
        ServerPublished published => new ServerPositionLost(published.Channel),
        ServerPositionLost lost => lost,
        _ => null,
    };

    private List<KeyValuePair<string, StreamPosition>> ServerPositions()
    {
        lock (_gate)
        {
            return [.. _serverChannels.Where(static each => each.Value is not null).Select(static each => KeyValuePair.Create(each.Key, each.Value!.Value))];
        }
    }

    /// <summary>A connection stands: these are its channels.</summary>
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

    private void OnServerChannel(Push push)
    {
        List<ClientEvent> events = [];
        lock (_gate)
        {
            switch (push.Kind)
            {
                case PushKind.Publication when _leaving.ContainsKey(push.Channel):
                    break; // of a subscription of the client's own that it has just ended
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
        bool wasKnown = _serverChannels.TryGetValue(channel, out StreamPosition? since);
        bool isRecovered = result.Recovered && since is not null;
        if (wasKnown && !isRecovered)
        {
            events.Add(new ServerPositionLost(channel)); // what was published meanwhile is not known
        }

        // As for the client's own subscriptions: behind its position, or behind what the server says.
        _serverChannels[channel] = isRecovered && result.Position is { } top ? since!.Value with { Epoch = top.Epoch } : result.Position;
        foreach (Publication publication in result.Publications)
        {
            PublishInsideLock(channel, publication, events);
        }
    }

    private void PublishInsideLock(string channel, Publication publication, List<ClientEvent> events)
    {
        Debug.Assert(_gate.IsHeldByCurrentThread);
        StreamPosition? position = _serverChannels.GetValueOrDefault(channel);
        if (publication.Offset != 0 && position is { } before)
        {
            if (publication.Offset <= before.Offset)
            {
                return; // it came before
            }

            _serverChannels[channel] = before with { Offset = publication.Offset };
        }

        events.Add(new ServerPublished(channel, publication));
    }
}
