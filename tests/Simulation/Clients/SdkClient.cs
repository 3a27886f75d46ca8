using System.Globalization;
using System.Text;
using Weir.Client;
using Weir.Client.Events;
using Weir.Client.Sending;
using Weir.Relay.Brokers;

namespace Weir.Simulation.Clients;

/// <summary>
/// The .NET client itself, over a session of Centrifugo's protocol: it reconnects and recovers on its own. What its handler is given is
/// checked, and the results of its publishes.
/// </summary>
internal sealed class SdkClient : SimulatedClient
{
    private readonly SimulationWorld _world;
    private readonly string _room;
    private readonly Expectation _expectation;
    private readonly SimulatedTransport _transport;
    private readonly CentrifugoClient _client;
    private readonly Subscription _subscription;
    private SimulatedConnection? _connection;
    private NodeModel? _connectedTo;
    private DateTimeOffset? _begun;
    private bool _hasLost;
    private bool _hasStarted;
    private int _published;

    public SdkClient(string name, string room, SimulationWorld world, bool isNumbered, int inboxCapacity)
        : base(name)
    {
        _world = world;
        _room = room;
        _expectation = new Expectation(name, room, world, isNumbered);
        _transport = new SimulatedTransport(world, Connected);
        CentrifugoClientOptions options = new()
        {
            TimeProvider = world.Scheduler.Clock,
            NextRandom = world.Scheduler.Random.NextDouble,
            Transport = _transport,
        };
        options.Reconnect.BaseDelay = TimeSpan.FromMilliseconds(50);
        options.Reconnect.MaxDelay = TimeSpan.FromMilliseconds(800);
        options.Reconnect.Jitter = TimeSpan.FromMilliseconds(50);
        _client = new CentrifugoClient(new Uri("ws://node/connection/websocket"), options);
        _client.EventOccurred += OnEvent;
        _subscription = _client.Subscribe(room, new SubscriptionOptions { InboxCapacity = inboxCapacity });
        _subscription.EventOccurred += OnEvent;
    }

    /// <summary>Whether a connection stands, so that a publish is sent on it.</summary>
    public bool CanPublish => IsConnected && _client.State == ClientState.Connected;

    public override void Connect(NodeModel node)
    {
        IsConnected = true;
        _world.Note($"{Name} can reach {node.Name}");
        _transport.Node = node;
        if (!_hasStarted)
        {
            _hasStarted = true;
            _client.Start();
        }
    }

    public override void Abort()
    {
        _world.Note($"{Name} is disconnected");
        IsConnected = false;
        _transport.Node = null;
        _connection?.Break();
    }

    public async void Publish()
    {
        // A publisher's order holds on one connection, which may be another for each of these.
        string text = _world.NextText(Name + "." + (++_published).ToString(CultureInfo.InvariantCulture), _room);
        SimulationWorld.Answer answer = _world.BeginAnswer(_transport.Node!, _room, text);
        _world.Note($"{Name} publishes {text}");
        DeliveryResult result = await _client.PublishAsync(_room, Encoding.UTF8.GetBytes('"' + text + '"'));
        _world.Note($"{Name} is answered {text}: {result.Delivery} {result.Reason}");
        answer.IsOk = result.Delivery == Delivery.Delivered;
        answer.IsNotStored = result.Delivery == Delivery.Failed;
    }

    public override void CheckComplete()
    {
        if (_client.Completion.IsCompleted || !_subscription.IsSubscribed)
        {
            _world.Violate($"{Name} is not subscribed to {_room}: {_client.State}");
            return;
        }

        _expectation.CheckComplete();
    }

    public override IEnumerable<Expectation> ListeningSince(DateTimeOffset moment, string room)
        => _begun < moment && _subscription.IsSubscribed && _room == room ? [_expectation] : [];

    private void Connected(SimulatedConnection connection)
    {
        _connection = connection;
        _connectedTo = connection.Node;
    }

    private void OnEvent(ClientEvent what)
    {
        if (what is Disconnected or Weir.Client.Events.Connected)
        {
            _world.Note($"{Name}: {what}");
        }
    }

    // Publications come without an epoch: if the server continued under another one, the client's own is that of its subscription.
    private void Give(string text, long offset)
    {
        StreamPosition? place = _world.Ledger.PlaceOf(text);
        _expectation.Give(text, offset > 0 && place?.Offset == offset ? place
            : new StreamPosition(_subscription.Position?.Epoch ?? "", offset));
    }

    private void OnEvent(SubscriptionEvent what)
    {
        switch (what)
        {
            case PositionLost:
                _begun = null;
                _hasLost = true;
                break;
            case Subscribed { Recovered: true }:
                _begun ??= _world.Scheduler.Clock.GetUtcNow();
                _expectation.Node = _connectedTo;
                _world.Note($"{Name} {_room} recovered, {_subscription.Position}");
                _expectation.Resume();
                break;
            case Subscribed subscribed:
                _begun ??= _world.Scheduler.Clock.GetUtcNow();
                _expectation.Node = _connectedTo;
                StreamPosition position = subscribed.Position is { } at ? new StreamPosition(at.Epoch, (long)at.Offset) : default;
                _world.Note($"{Name} {_room} begins, {position.Epoch}:{position.Offset}");
                if (_hasLost)
                {
                    _expectation.Lose(position);
                }
                else
                {
                    _expectation.Begin(position);
                }

                _hasLost = false;
                break;
            case PublicationReceived { Publication: var publication }:
                Give(SimulationWorld.TextOf(publication.Data.Span), (long)publication.Offset);
                break;
            case Interrupted:
                _begun = null;
                break;
        }
    }
}
