using System.Net.WebSockets;
using System.Text;

namespace Weir.Chaos.Matrix;

/// <summary>A member of a raw room, which returns when its connection ends.</summary>
internal sealed class RawMember(int port, string room) : ClientListener(Way.Raw, room)
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(200);

    private readonly CancellationTokenSource _end = new();
    private Task _listening = Task.CompletedTask;
    private ClientWebSocket? _open;

    public override void Start() => _listening = ListenAsync();

    public override async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _listening;
        _end.Dispose();
    }

    /// <summary>Publishes to its room if it is connected. There is no answer.</summary>
    public async Task PublishAsync(string text, CancellationToken cancellationToken)
    {
        try
        {
            if (Volatile.Read(ref _open) is { State: WebSocketState.Open } socket)
            {
                await socket.SendAsync(Encoding.UTF8.GetBytes($"\"{text}\"").AsMemory(), WebSocketMessageType.Text, true, cancellationToken);
            }
        }
        catch (Exception error) when (error is WebSocketException or ObjectDisposedException or OperationCanceledException or IOException)
        {
            // Its connection has ended.
        }
    }

    private async Task ListenAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            try
            {
                await ReadConnectionAsync();
            }
            catch (Exception error) when (error is WebSocketException or OperationCanceledException or IOException)
            {
                // It ended or could not be made: the next one.
            }

            await Task.Delay(_pause, TimeProvider.System, _end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ReadConnectionAsync()
    {
        using ClientWebSocket socket = new();
        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{port}/ws?room={Rooms[0]}"), _end.Token);
        OnConnected();
        OnListening(Rooms[0]);
        Volatile.Write(ref _open, socket);
        byte[] buffer = new byte[4096]; // a message of this test is far smaller
        while (true)
        {
            ValueWebSocketReceiveResult received = await socket.ReceiveAsync(buffer.AsMemory(), _end.Token);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, _end.Token);
                return;
            }

            OnMessage(Rooms[0], position: null, Encoding.UTF8.GetString(buffer, 0, received.Count).Trim('"'));
        }
    }
}
