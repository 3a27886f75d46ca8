using System.Text;
using Weir.Client;
using Weir.Client.Events;
using Weir.Client.Sending;

namespace Weir.Chaos.Matrix;

/// <summary>A subscriber by the .NET client of Centrifugo's protocol; also a publisher by it.</summary>
internal sealed class CentrifugoClientListener : ClientListener
{
    private readonly CentrifugoClient _client;
    private readonly Subscription _subscription;
    private string _epoch = "";
    private bool _wasSubscribed;

    public CentrifugoClientListener(int port, string room)
        : base(Way.CentrifugoClient, room)
    {
        CentrifugoClientOptions options = new();
        Quick.Configure(options);
        _client = new CentrifugoClient(new Uri($"ws://127.0.0.1:{port}/connection/websocket"), options);
        _client.EventOccurred += happened =>
        {
            if (happened is Connected)
            {
                OnConnected();
            }
        };
        _subscription = _client.Subscribe(room);
        _subscription.EventOccurred += Take;
    }

    public override void Start() => _client.Start();

    public override ValueTask DisposeAsync() => _client.DisposeAsync();

    /// <summary>Publishes to its room. Returns whether the server has confirmed it.</summary>
    public async Task<bool> PublishAsync(string text, CancellationToken cancellationToken)
        => (await _client.PublishAsync(Rooms[0], Encoding.UTF8.GetBytes($"\"{text}\""), cancellationToken)).Delivery == Delivery.Delivered;

    private void Take(SubscriptionEvent happened)
    {
        switch (happened)
        {
            case Subscribed { Position: { } position } subscribed:
                _epoch = position.Epoch;
                if (_wasSubscribed && !subscribed.Recovered)
                {
                    OnLost(Rooms[0], new Position(position.Epoch, (long)position.Offset));
                }

                _wasSubscribed = true;
                OnListening(Rooms[0]);
                break;
            case PositionLost:
                OnLost(Rooms[0], next: null);
                break;
            case PublicationReceived { Publication: var publication }:
                Position? at = publication.Offset == 0 ? null : new Position(_epoch, (long)publication.Offset);
                OnMessage(Rooms[0], at, Encoding.UTF8.GetString(publication.Data.Span).Trim('"'));
                break;
        }
    }
}
