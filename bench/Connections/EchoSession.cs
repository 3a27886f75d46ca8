using System.Text;
using Weir.Bench.Transport;
using Weir.Connections;
using Weir.Hosting;
using Weir.Testing;

namespace Weir.Bench.Connections;

/// <summary>One connection to an echo endpoint, through a listener's middleware: handshake, messages, close.</summary>
internal sealed class EchoSession : IDisposable
{
    private readonly PipedConnection _transport = new();
    private readonly Task _server;
    private readonly byte[] _batch;
    private readonly int _answerBytes;

    /// <param name="payload">The message, text.</param>
    /// <param name="messages">The number of them that arrive together.</param>
    public EchoSession(byte[] payload, int messages)
    {
        WeirEngine engine = new(loggers: null, meters: null, time: null);
        WeirListener listener = new(engine);
        listener.Add(engine.CreateEndpoint("/echo", new DelegateHandler(Echo), configure: null));
        WeirMiddleware middleware = new(static _ => throw new InvalidOperationException("Not accepted as a WebSocket."), listener);
        _server = middleware.OnConnectionAsync(_transport);
        byte[] answer = _transport.ExchangeAndKeep(Encoding.ASCII.GetBytes(Head), expectedBytes: 1);
        Wrong.Unless(Encoding.ASCII.GetString(answer).StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal));

        byte[] frame = Frames.Client(opcode: 1, payload);
        _batch = [.. Enumerable.Repeat(frame, messages).SelectMany(static each => each)];
        _answerBytes = messages * (frame.Length - 4); // the client's frame has a masking key, the server's has none
        IReadOnlyList<ServerFrame> echoes = Frames.ParseAll(_transport.ExchangeAndKeep(_batch, _answerBytes));
        Wrong.Unless(echoes.Count == messages);
        Wrong.Unless(echoes.All(echo => echo is { Fin: true, Rsv: 0, Opcode: 1 } && echo.Payload.AsSpan().SequenceEqual(payload)));
    }

    private static string Head =>
        "GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

    /// <summary>Sends the batch and reads its echoes.</summary>
    public void Exchange() => _transport.Exchange(_batch, _answerBytes);

    public void Dispose()
    {
        _transport.ExchangeAndKeep(Frames.Close(), expectedBytes: 4);
        Wrong.Unless(_server.IsCompletedSuccessfully);
    }

    private static ValueTask Echo(WeirConnection connection, WeirMessage message)
    {
        connection.Send(message.Payload, message.Kind);
        return default;
    }
}
