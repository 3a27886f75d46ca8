using Weir.Relay.Brokers;
using Weir.Relay.Diagnostics;
using Weir.Relay.Rooms;
using Weir.Rooms;

namespace Weir.Relay.Streams;

/// <summary>The streams of one room: its events are encoded once for all of them.</summary>
internal sealed class SseAudience : IRoomAudience
{
    private readonly Lock _gate = new();

    // Calls come from the room's event loop, and so do joins; a stream that ends leaves from its own thread.
    private readonly List<SseSubscription> _subscriptions = [];

    public void Add(SseSubscription subscription)
    {
        lock (_gate)
        {
            subscription.Index = _subscriptions.Count;
            _subscriptions.Add(subscription);
        }
    }

    public void Remove(SseSubscription subscription)
    {
        lock (_gate)
        {
            SseSubscription last = _subscriptions[^1];
            _subscriptions[subscription.Index] = last;
            last.Index = subscription.Index;
            _subscriptions.RemoveAt(_subscriptions.Count - 1);
        }
    }

    public void OnPublication(LocalRoom room, Publication publication, IRoomMember? except)
    {
        StreamPosition position = new(room.Epoch, publication.Offset);
        byte[]? id = publication.Offset > 0 ? SseFormat.Id(position) : null;
        byte[]? body = null;
        lock (_gate)
        {
            foreach (SseSubscription subscription in _subscriptions)
            {
                body ??= SseFormat.Body(publication);
                subscription.Stream.Enqueue(new SseEvent(subscription.Room, body, id, position));
            }
        }
    }

    public void OnPositionLost(LocalRoom room, StreamPosition now, PositionLoss reason)
    {
        SseEvent loss = SseEvent.Loss(0, SseFormat.Lost(room.Name, RelayMetrics.NameOf(reason), now), now);
        lock (_gate)
        {
            foreach (SseSubscription subscription in _subscriptions)
            {
                subscription.Stream.Enqueue(loss with { Room = subscription.Room });
            }
        }
    }
}
