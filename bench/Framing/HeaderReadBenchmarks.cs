using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using Weir.Protocol;
using Weir.Testing;
using Weir.TestSupport;

namespace Weir.Bench.Framing;

/// <summary>Decoding a client's frame header, once per frame received.</summary>
[MemoryDiagnoser]
public class HeaderReadBenchmarks
{
    private byte[] _bytes = [];
    private ReadOnlySequence<byte> _whole;
    private ReadOnlySequence<byte> _split;

    /// <summary>One for each way to write the length: headers of 6, 8 and 14 bytes.</summary>
    [Params(100, 1_000, 100_000)]
    public int PayloadBytes { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        byte[] header = Frames.ClientHeader(opcode: 2, (ulong)PayloadBytes);
        _bytes = [.. header, .. new byte[16]];
        _whole = new ReadOnlySequence<byte>(_bytes);
        _split = Segments.Split(_bytes, header.Length / 2);
        Wrong.Unless(Primitives() == PayloadBytes + header.Length);
        Wrong.Unless(FromSpan() == PayloadBytes + header.Length);
        Wrong.Unless(FromOneSegment() == PayloadBytes + header.Length);
        Wrong.Unless(FromTwoSegments() == PayloadBytes + header.Length);
    }

    /// <summary>The loads alone, without checks; only the sum is kept.</summary>
    [Benchmark(Baseline = true)]
    public long Primitives()
    {
        ReadOnlySpan<byte> bytes = _bytes;
        int length7 = bytes[1] & 0x7F;
        (long length, int keyAt) = length7 switch
        {
            126 => (BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]), 4),
            127 => (BinaryPrimitives.ReadInt64BigEndian(bytes[2..]), 10),
            _ => (length7, 2),
        };
        uint key = MemoryMarshal.Read<uint>(bytes[keyAt..]);
        return key == 0 ? 0 : length + keyAt + 4;
    }

    [Benchmark]
    public long FromSpan()
    {
        FrameHeader.TryRead(_bytes, out FrameHeader header);
        return header.PayloadLength + header.HeaderLength;
    }

    [Benchmark]
    public long FromOneSegment()
    {
        FrameHeader.TryRead(_whole, out FrameHeader header);
        return header.PayloadLength + header.HeaderLength;
    }

    [Benchmark]
    public long FromTwoSegments()
    {
        FrameHeader.TryRead(_split, out FrameHeader header);
        return header.PayloadLength + header.HeaderLength;
    }
}
