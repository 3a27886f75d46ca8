using System.Text;
using Weir.Relay.Brokers;
using Weir.Relay.Rooms;
using Weir.Rooms;

namespace Weir.Simulation.Clients;

/// <summary>A client at the interface of all protocols with positions: it reconnects with the last position that it received.</summary>
internal sealed class ListenerClient(string name, string room, SimulationWorld world, bool isNumbered) : SimulatedClient(name)
{
    private readonly Expectation _expectation = new(name, room, world, isNumbered);
    private StreamPosition? _last;
    private Subscription? _subscription;

    public override bool IsListenerOf(string room) => _expectation.Room == room;

    public override bool IsIn(NodeModel node, string room)
        => _subscription is not null && _expectation.Node == node && _expectation.Room == room;

    public override async void Connect(NodeModel node)
    {
        IsConnected = true;
        world.Note($"{Name} subscribes to {room} on {node.Name} from {_last?.Epoch ?? "-"}:{_last?.Offset ?? 0}");
        _expectation.Node = node;
        Subscription subscription = new(this);
        _subscription = subscription;
        try
        {
            LocalRoom local = await node.Relay.SubscribeAsync(room, node.Audiences, subscription, _last, subscription.Gone.Token);
            if (subscription.IsGone)
            {
                subscription.Audience!.Subscriptions.Remove(subscription);
                node.Relay.Unsubscribe(local);
            }
            else
            {
                subscription.Leave = () =>
                {
                    subscription.Audience!.Subscriptions.Remove(subscription);
                    node.Relay.Unsubscribe(local);
                };
            }
        }
        catch (Exception error) when (error is BrokerUnavailableException or OperationCanceledException)
        {
            world.Note($"{Name} is refused: {error.Message}");
            if (_subscription == subscription)
            {
                IsConnected = false;
                _subscription = null;
            }
        }
    }

    public override void Abort()
    {
        world.Note($"{Name} is disconnected");
        IsConnected = false;
        Subscription subscription = _subscription!;
        _subscription = null;
        subscription.IsGone = true;
        subscription.Leave?.Invoke();
        subscription.Gone.Cancel();
    }

    public override void CheckComplete()
    {
        if (_subscription is { Begun: not null })
        {
            _expectation.CheckComplete();
        }
        else
        {
            world.Violate($"{Name} could not subscribe to {room}");
        }
    }

    public override IEnumerable<Expectation> ListeningSince(DateTimeOffset moment, string room)
        => _subscription?.Begun < moment && _expectation.Room == room ? [_expectation] : [];

    private void Begin(Subscription subscription, Recovery recovery)
    {
        if (subscription.IsGone)
        {
            return;
        }

        subscription.Begun = world.Scheduler.Clock.GetUtcNow();
        world.Note($"{Name} {room} begins, {(recovery.IsRecovered ? "recovered" : "not recovered")} {recovery.Position.Epoch}:{recovery.Position.Offset}");
        if (recovery.IsRecovered)
        {
            _expectation.Resume();
            foreach (Publication missed in recovery.Publications)
            {
                Give(missed, recovery.Position.Epoch);
            }
        }
        else if (_last is not null)
        {
            _expectation.Lose(recovery.Position);
        }
        else
        {
            _expectation.Begin(recovery.Position);
        }

        _last = recovery.Position.Epoch.Length > 0 ? recovery.Position : _last;
    }

    private void Give(Publication publication, string epoch)
    {
        StreamPosition position = new(epoch, publication.Offset);
        _expectation.Give(Encoding.UTF8.GetString(publication.Data.Span), position);
        if (publication.Offset > 0)
        {
            _last = position;
        }
    }

    private void Lose(StreamPosition now)
    {
        _expectation.Lose(now);
        _last = now;
    }

    internal sealed class Subscription(ListenerClient client) : IRoomListener
    {
        public CancellationTokenSource Gone { get; } = new();

        public NotingAudience? Audience { get; private set; }

        public Action? Leave { get; set; }

        public bool IsGone { get; set; }

        public DateTimeOffset? Begun { get; set; }

        public void OnSubscribed(IRoomAudience audience, Recovery recovery)
        {
            Audience = (NotingAudience)audience;
            Audience.Subscriptions.Add(this);
            client.Begin(this, recovery);
        }

        public void OnPublication(Publication publication, string epoch)
        {
            if (!IsGone)
            {
                client.Give(publication, epoch);
            }
        }

        public void OnPositionLost(StreamPosition now)
        {
            if (!IsGone)
            {
                client.Lose(now);
            }
        }
    }
}

/// <summary>The audience of such clients on one node, and its factory.</summary>
internal sealed class NotingAudiences : IRoomAudienceFactory
{
    public IRoomAudience Create(LocalRoom room) => new NotingAudience();
}

internal sealed class NotingAudience : IRoomAudience
{
    public List<ListenerClient.Subscription> Subscriptions { get; } = [];

    public void OnPublication(LocalRoom room, Publication publication, IRoomMember? except)
    {
        foreach (ListenerClient.Subscription subscription in Subscriptions)
        {
            subscription.OnPublication(publication, room.Epoch);
        }
    }

    public void OnPositionLost(LocalRoom room, StreamPosition now, PositionLoss reason)
    {
        foreach (ListenerClient.Subscription subscription in Subscriptions)
        {
            subscription.OnPositionLost(now);
        }
    }
}
