using BenchmarkDotNet.Attributes;
using Weir.Bench.Transport;
using Weir.Connections;
using Weir.Protocol;
using Weir.Rooms;

namespace Weir.Bench.Rooms;

/// <summary>
/// 512 bytes of JSON to a room of 1,000 members that all negotiated permessage-deflate without context takeover; time
/// and bytes are those of one delivery to one member.
/// </summary>
[MemoryDiagnoser]
public class DeflatedPublishBenchmarks
{
    private const int Members = 1_000;

    private readonly byte[] _payload = Payloads.Json(512, seed: 1);
    private Audience _audience = null!;
    private Room _room = null!;
    private Audience _plainAudience = null!;
    private Room _plainRoom = null!;

    [GlobalSetup]
    public void Setup()
    {
        _audience = new Audience(Members, deflate: true);
        _room = _audience.JoinAll();
        _plainAudience = new Audience(Members);
        _plainRoom = _plainAudience.JoinAll();

        SendToEach();
        long frameBytes = _audience.Sinks[0].Sink.Bytes;
        byte[] frame = SinkWriter.LastWritten[..(int)frameBytes].ToArray();
        Wrong.Unless(frameBytes < _payload.Length && (frame[0] & 0x40) != 0);
        PublishDeflated();
        Wrong.Unless(_audience.EachGot(2 * frameBytes, flushes: 2));
        Wrong.Unless(SinkWriter.LastWritten[..frame.Length].SequenceEqual(frame));
        PublishPlain();
        Wrong.Unless(_plainAudience.EachGot(4 + _payload.Length, flushes: 1));
    }

    /// <summary>Without rooms: each connection compresses the message itself.</summary>
    [Benchmark(Baseline = true, OperationsPerInvoke = Members)]
    public void SendToEach()
    {
        foreach (WeirConnection connection in _audience.Connections)
        {
            connection.Send(_payload, MessageKind.Text);
        }
    }

    [Benchmark(OperationsPerInvoke = Members)]
    public void PublishDeflated() => _room.Publish(_payload, MessageKind.Text);

    /// <summary>As many members that did not negotiate compression.</summary>
    [Benchmark(OperationsPerInvoke = Members)]
    public void PublishPlain() => _plainRoom.Publish(_payload, MessageKind.Text);
}
