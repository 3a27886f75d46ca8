using System.Buffers;
using System.IO.Pipelines;
using BenchmarkDotNet.Attributes;
using Weir.Bench.Transport;
using Weir.Protocol;
using Weir.Sending;

namespace Weir.Bench.Sending;

/// <summary>Sending a message to a transport that accepts it immediately.</summary>
[MemoryDiagnoser]
public class ConnectionSenderBenchmarks
{
    private const int Messages = 16;

    private readonly SinkWriter _output = new();
    private ConnectionSender _sender = null!;
    private ReadOnlySequence<byte> _payload;

    [Params(20, 1024)]
    public int Bytes { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _payload = new ReadOnlySequence<byte>(Payloads.Json(Bytes, seed: 1));
        SendSettings settings = UnheardOwner.Settings();
        _sender = new ConnectionSender(_output, settings, new UnheardOwner(), deflate: null);
        int frame = FrameHeader.LengthOf(Bytes) + Bytes;
        WriteAndFlush();
        Send();
        Wrong.Unless(_output.Bytes == 2 * Messages * frame && _output.Flushes == 2 * Messages);
        SendInScope();
        Wrong.Unless(_output.Bytes == 3 * Messages * frame && _output.Flushes == (2 * Messages) + 1);
    }

    /// <summary>Header, copy, flush: safe on one thread, towards a client that is never slow.</summary>
    [Benchmark(Baseline = true, OperationsPerInvoke = Messages)]
    public void WriteAndFlush()
    {
        for (int i = 0; i < Messages; i++)
        {
            Span<byte> span = _output.GetSpan();
            int header = FrameHeader.Write(span, Opcode.Text, Bytes);
            _payload.CopyTo(span[header..]);
            _output.Advance(header + Bytes);
            ValueTask<FlushResult> flush = _output.FlushAsync();
            if (!flush.IsCompletedSuccessfully)
            {
                throw new InvalidOperationException("A sink never makes its writer wait.");
            }
        }
    }

    /// <summary>Outside of a pass: each message is flushed.</summary>
    [Benchmark(OperationsPerInvoke = Messages)]
    public void Send()
    {
        for (int i = 0; i < Messages; i++)
        {
            _sender.Send(Opcode.Text, _payload);
        }
    }

    /// <summary>As a handler does: sixteen messages and one flush.</summary>
    [Benchmark(OperationsPerInvoke = Messages)]
    public void SendInScope()
    {
        SendScope scope = SendScope.Enter(_sender);
        for (int i = 0; i < Messages; i++)
        {
            _sender.Send(Opcode.Text, _payload);
        }

        scope.Exit();
    }
}
