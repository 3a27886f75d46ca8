using System.Buffers;
using System.Text.Unicode;
using BenchmarkDotNet.Attributes;
using Weir.Connections;
using Weir.Protocol;
using Weir.Testing;

namespace Weir.Bench.Connections;

/// <summary>
/// Sixteen text messages from one buffer: header, rules, unmasking, UTF-8. The frames are masked with a key of zeros, so that
/// unmasking in place leaves them unchanged for the next round; it costs the same.
/// </summary>
[MemoryDiagnoser]
public class MessageReaderBenchmarks
{
    private const int Messages = 16;

    private readonly MessageReader _reader = new(
        new ReadSettings(1024 * 1024, StreamFragments: false, ArrayPool<byte>.Shared, Zlib: null), deflate: null);

    private byte[] _bytes = [];
    private ReadOnlySequence<byte> _frames;

    [Params(20, 1024)]
    public int Bytes { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        byte[] frame = Frames.Client(opcode: 1, Payloads.Json(Bytes, seed: 1), key: 0);
        _bytes = [.. Enumerable.Repeat(frame, Messages).SelectMany(static each => each)];
        _frames = new ReadOnlySequence<byte>(_bytes);
        Wrong.Unless(Primitives() == Messages * Bytes && Next() == Messages * Bytes);
    }

    /// <summary>The engine's own parts in a loop over a span, without rules, limits or fragments.</summary>
    [Benchmark(Baseline = true, OperationsPerInvoke = Messages)]
    public long Primitives()
    {
        long bytes = 0;
        Span<byte> left = _bytes;
        while (FrameHeader.TryRead(left, out FrameHeader header))
        {
            Span<byte> payload = left.Slice(header.HeaderLength, (int)header.PayloadLength);
            Masking.Apply(payload, header.MaskingKey);
            bytes += Utf8.IsValid(payload) ? payload.Length : 0;
            left = left[(header.HeaderLength + payload.Length)..];
        }

        return bytes;
    }

    [Benchmark(OperationsPerInvoke = Messages)]
    public long Next()
    {
        long bytes = 0;
        ReadOnlySequence<byte> left = _frames;
        while (_reader.Next(ref left) == ReadEvent.Message)
        {
            bytes += _reader.Payload.Length;
        }

        return bytes;
    }
}
