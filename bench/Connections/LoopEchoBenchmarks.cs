using System.Text;
using System.Text.Unicode;
using BenchmarkDotNet.Attributes;
using Weir.Bench.Transport;
using Weir.Connections;
using Weir.Hosting;
using Weir.Protocol;
using Weir.Testing;

namespace Weir.Bench.Connections;

/// <summary>
/// The engine's cost of a message if the transport calls it: from the bytes in the transport's input array to the answer's in its
/// output array. Time and bytes are those of one message.
/// </summary>
[MemoryDiagnoser]
public class LoopEchoBenchmarks
{
    private const int Messages = 16;

    private readonly LoopConnection _transport = new();
    private byte[] _batch = [];
    private byte[] _arrived = [];
    private byte[] _answers = [];

    [Params(20, 125, 1024)]
    public int Bytes { get; set; }

    /// <summary>Messages that arrive together.</summary>
    [Params(1, Messages)]
    public int Batch { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        WeirEngine engine = new(loggers: null, meters: null, time: null, new WeirNodeOptions().ToSettings());
        WeirListener listener = new(engine);
        listener.Add(engine.CreateEndpoint("/echo", new EchoHandler(), configure: null));
        WeirMiddleware middleware = new(static _ => throw new InvalidOperationException("Not accepted as a WebSocket."), listener);
        _transport.Exchange(Encoding.ASCII.GetBytes(
            "GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"));
        Wrong.Unless(middleware.OnConnectionAsync(_transport).IsCompletedSuccessfully);

        byte[] payload = Payloads.Json(Bytes, seed: 1);
        _batch = [.. Enumerable.Repeat(Frames.Client(opcode: 1, payload), Batch).SelectMany(static each => each)];
        _arrived = new byte[_batch.Length];
        _answers = new byte[_batch.Length];
        _transport.Exchange(_batch);
        IReadOnlyList<ServerFrame> echoes = Frames.ParseAll(_transport.Sent.ToArray());
        Wrong.Unless(
            echoes.Count == Batch
            && echoes.All(echo => echo is { Fin: true, Rsv: 0, Opcode: 1 } && echo.Payload.AsSpan().SequenceEqual(payload)));
        int sent = Primitives();
        Wrong.Unless(_answers.AsSpan(0, sent).SequenceEqual(_transport.Sent));
    }

    /// <summary>The lower bound: the same copies, headers, unmasking and check of the text, in one loop over spans.</summary>
    [Benchmark(Baseline = true, OperationsPerInvoke = Messages)]
    public int Primitives()
    {
        int written = 0;
        for (int sent = 0; sent < Messages; sent += Batch)
        {
            written = 0;
            _batch.CopyTo(_arrived.AsSpan());
            Span<byte> left = _arrived;
            while (FrameHeader.TryRead(left, out FrameHeader header))
            {
                Span<byte> payload = left.Slice(header.HeaderLength, (int)header.PayloadLength);
                Masking.Apply(payload, header.MaskingKey);
                Wrong.Unless(Utf8.IsValid(payload));
                written += FrameHeader.Write(_answers.AsSpan(written), header.Opcode, payload.Length);
                payload.CopyTo(_answers.AsSpan(written));
                written += payload.Length;
                left = left[(header.HeaderLength + payload.Length)..];
            }
        }

        return written;
    }

    [Benchmark(OperationsPerInvoke = Messages)]
    public void Echo()
    {
        for (int sent = 0; sent < Messages; sent += Batch)
        {
            _transport.Exchange(_batch);
        }
    }

    private sealed class EchoHandler : WeirHandler
    {
        public override ValueTask OnMessageAsync(WeirConnection connection, WeirMessage message)
        {
            connection.Send(message.Payload, message.Kind);
            return ValueTask.CompletedTask;
        }
    }
}
