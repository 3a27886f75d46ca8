using Weir.Client;
using Weir.Client.Events;

namespace Weir.Chaos.Matrix;

/// <summary>A member of a raw room by the .NET client.</summary>
internal sealed class RelayClientListener : ClientListener
{
    private readonly RelayClient _client;

    public RelayClientListener(int port, string room)
        : base(Way.RelayClient, room)
    {
        RelayClientOptions options = new();
        Quick.Configure(options);
        _client = new RelayClient(new Uri($"ws://127.0.0.1:{port}/ws"), room, options);
        _client.EventOccurred += Take;
    }

    public override void Start() => _client.Start();

    public override ValueTask DisposeAsync() => _client.DisposeAsync();

    private void Take(ClientEvent happened)
    {
        switch (happened)
        {
            case Connected:
                OnConnected();
                OnListening(Rooms[0]);
                break;
            case MessageReceived { Message: var message }:
                OnMessage(Rooms[0], position: null, message.Text.Trim('"'));
                break;
        }
    }
}
