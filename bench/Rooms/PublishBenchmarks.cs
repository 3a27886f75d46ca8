using System.Buffers;
using System.IO.Pipelines;
using BenchmarkDotNet.Attributes;
using Weir.Bench.Sending;
using Weir.Bench.Transport;
using Weir.Protocol;
using Weir.Rooms;
using Weir.Sending;

namespace Weir.Bench.Rooms;

/// <summary>100 bytes to a room of 10,000; time and bytes are those of one delivery to one member.</summary>
[MemoryDiagnoser]
public class PublishBenchmarks
{
    private const int Members = 10_000;
    private const int PayloadBytes = 100;
    private const int Batch = 16;

    private readonly byte[] _payload = Payloads.Json(PayloadBytes, seed: 1);
    private readonly byte[] _frame = new byte[2 + PayloadBytes];
    private Audience _audience = null!;
    private Room _room = null!;
    private ConnectionSender _publisher = null!;

    [GlobalSetup]
    public void Setup()
    {
        _frame[0] = 0x81;
        _frame[1] = PayloadBytes;
        _payload.CopyTo(_frame, 2);
        _audience = new Audience(Members);
        _room = _audience.JoinAll();
        _publisher = new ConnectionSender(new SinkWriter(), UnheardOwner.Settings(), new UnheardOwner(), null);

        Publish();
        Wrong.Unless(_audience.EachGot(_frame.Length, flushes: 1));
        Wrong.Unless(SinkWriter.LastWritten[.._frame.Length].SequenceEqual(_frame));
        PublishSixteen();
        Wrong.Unless(_audience.EachGot((1 + Batch) * _frame.Length, flushes: 2));
        Wrong.Unless(SinkWriter.LastWritten[((Batch - 1) * _frame.Length)..(Batch * _frame.Length)].SequenceEqual(_frame));
        WriteToEach();
        Wrong.Unless(_audience.EachGot((2 + Batch) * _frame.Length, flushes: 3));
    }

    /// <summary>A loop over an array that copies an encoded frame and flushes: no membership, no order, no slow member.</summary>
    [Benchmark(Baseline = true, OperationsPerInvoke = Members)]
    public void WriteToEach()
    {
        foreach (SinkConnection member in _audience.Sinks)
        {
            PipeWriter output = member.Transport.Output;
            output.Write(_frame);
            ValueTask<FlushResult> flush = output.FlushAsync();
            if (!flush.IsCompletedSuccessfully)
            {
                throw new InvalidOperationException("A sink never makes its writer wait.");
            }
        }
    }

    [Benchmark(OperationsPerInvoke = Members)]
    public void Publish() => _room.Publish(_payload, MessageKind.Text);

    /// <summary>Sixteen messages that had arrived together: published in one pass, with one iteration over the room.</summary>
    [Benchmark(OperationsPerInvoke = Members * Batch)]
    public void PublishSixteen()
    {
        SendScope scope = SendScope.Enter(_publisher);
        for (int i = 0; i < Batch; i++)
        {
            _room.Publish(_payload, MessageKind.Text);
        }

        scope.Exit();
    }
}
