using System.Net.WebSockets;
using Weir.Client.Events;
using Weir.Client.Timing;

namespace Weir.Client.Transport;

/// <summary>A WebSocket of .NET whose exceptions become results.</summary>
internal sealed class SocketConnection(ClientWebSocket socket, WatchedStream stream, int maxMessageBytes, TimeProvider time)
    : IClientConnection
{
    // Limits the close frame to a peer that no longer reads.
    private static readonly TimeSpan _answerLimit = TimeSpan.FromSeconds(1);

    // Grows with the largest message. Each message is copied from it: the receiver owns the copy.
    private byte[] _buffer = new byte[4096];

    public TimeSpan IdleFor => stream.IdleFor;

    public async ValueTask<Received> ReceiveAsync(CancellationToken cancel)
    {
        try
        {
            int length = 0;
            while (true)
            {
                ValueWebSocketReceiveResult part = await socket.ReceiveAsync(_buffer.AsMemory(length), cancel);
                if (part.MessageType == WebSocketMessageType.Close)
                {
                    return Ended(await ClosedAsync());
                }

                length += part.Count;
                if (length > maxMessageBytes)
                {
                    await CloseAsync((int)WebSocketCloseStatus.MessageTooBig, "message too big", cancel);
                    return Ended(new ConnectionEnd(EndKind.ProtocolError) { Reason = $"a message of more than {maxMessageBytes} bytes" });
                }

                if (part.EndOfMessage)
                {
                    return new Received(_buffer.AsSpan(0, length).ToArray(), part.MessageType == WebSocketMessageType.Text, null);
                }

                if (length == _buffer.Length)
                {
                    // Up to one byte more than the limit, so that the end of a message of exactly that size is seen.
                    Array.Resize(ref _buffer, (int)Math.Min(2L * length, Math.Min(maxMessageBytes + 1L, Array.MaxLength)));
                }
            }
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException or ObjectDisposedException
            or InvalidOperationException)
        {
            return Ended(EndOf(error));
        }
    }

    public async ValueTask<bool> SendAsync(ReadOnlyMemory<byte> payload, bool isText, CancellationToken cancel)
    {
        try
        {
            await socket.SendAsync(payload, isText ? WebSocketMessageType.Text : WebSocketMessageType.Binary,
                WebSocketMessageFlags.EndOfMessage, cancel);
            return true;
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            return false; // the receive reports how it ended
        }
    }

    public async ValueTask CloseAsync(int code, string reason, CancellationToken cancel)
    {
        try
        {
            await socket.CloseOutputAsync((WebSocketCloseStatus)code, reason, cancel);
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            // It is closed already.
        }
    }

    public ValueTask DisposeAsync()
    {
        socket.Dispose();
        return ValueTask.CompletedTask;
    }

    private static Received Ended(ConnectionEnd end) => new(default, false, end);

    // RFC 6455, section 5.5.1: a close frame is answered with one. 1005 stands for one without a code and must not be sent.
    private async ValueTask<ConnectionEnd> ClosedAsync()
    {
        using CancellationTokenSource late = new();
        using RunningTimeout timeout = new(time, late.Cancel);
        timeout.Begin(_answerLimit);
        WebSocketCloseStatus? status = stream.EndedWithEmptyClose ? WebSocketCloseStatus.Empty : socket.CloseStatus;
        await CloseAsync((int)(status is null or WebSocketCloseStatus.Empty ? WebSocketCloseStatus.NormalClosure : status), "", late.Token);
        return new ConnectionEnd(EndKind.ClosedByServer)
        {
            CloseCode = (int)(status ?? WebSocketCloseStatus.Empty),
            Reason = socket.CloseStatusDescription ?? ""
        };
    }

    private static ConnectionEnd EndOf(Exception error) => error switch
    {
        WebSocketException { WebSocketErrorCode: WebSocketError.ConnectionClosedPrematurely }
            => new(EndKind.ConnectionLost) { Reason = Below(error), Error = error },
        WebSocketException => new(EndKind.ProtocolError) { Reason = error.Message, Error = error },
        _ => new(EndKind.ConnectionLost) { Reason = error.Message, Error = error },
    };

    private static string Below(Exception error) => (error.InnerException?.InnerException ?? error.InnerException ?? error).Message;
}
