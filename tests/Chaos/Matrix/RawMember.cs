using System.Net.WebSockets;
using System.Text;

namespace Weir.Chaos.Matrix;

/// <summary>A member of a raw room, which returns when its connection ends.</summary>
internal sealed class RawMember(int port, string room) : ReturningListener(Way.Raw, room)
{
    private ClientWebSocket? _open;

    /// <summary>Publishes to its room if it is connected. There is no answer.</summary>
    public async Task PublishAsync(string text, CancellationToken cancellationToken)
    {
        try
        {
            if (Volatile.Read(ref _open) is { State: WebSocketState.Open } socket)
            {
                await socket.SendAsync(Encoding.UTF8.GetBytes($"\"{text}\"").AsMemory(), WebSocketMessageType.Text, true,
                    cancellationToken);
            }
        }
        catch (Exception error) when (error is WebSocketException or ObjectDisposedException or OperationCanceledException or IOException)
        {
            // Its connection has ended.
        }
    }

    protected override async Task ListenOnceAsync(CancellationToken end)
    {
        using ClientWebSocket socket = new();
        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{port}/ws?room={Rooms[0]}"), end);
        OnConnected();
        OnListening(Rooms[0]);
        Volatile.Write(ref _open, socket);
        byte[] buffer = new byte[4096]; // a message of this test is far smaller
        while (true)
        {
            ValueWebSocketReceiveResult received = await socket.ReceiveAsync(buffer.AsMemory(), end);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, end);
                return;
            }

            OnMessage(Rooms[0], position: null, Encoding.UTF8.GetString(buffer, 0, received.Count).Trim('"'));
        }
    }
}
