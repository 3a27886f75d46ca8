using System.Buffers.Binary;
using BenchmarkDotNet.Attributes;
using Weir.Protocol;

namespace Weir.Bench.Framing;

/// <summary>Encoding a server's frame header, once per message sent or published.</summary>
[MemoryDiagnoser]
public class HeaderWriteBenchmarks
{
    private readonly byte[] _destination = new byte[FrameHeader.MaxUnmaskedLength];

    [Params(100, 1_000, 100_000)]
    public int PayloadBytes { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        int length = Primitives();
        byte[] expected = _destination[..length];
        Array.Clear(_destination);
        Wrong.Unless(Write() == length);
        Wrong.Unless(_destination.AsSpan(0, length).SequenceEqual(expected));
    }

    [Benchmark(Baseline = true)]
    public int Primitives()
    {
        Span<byte> bytes = _destination;
        bytes[0] = 0x82;
        switch (PayloadBytes)
        {
            case <= 125:
                bytes[1] = (byte)PayloadBytes;
                return 2;
            case <= ushort.MaxValue:
                bytes[1] = 126;
                BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], (ushort)PayloadBytes);
                return 4;
            default:
                bytes[1] = 127;
                BinaryPrimitives.WriteInt64BigEndian(bytes[2..], PayloadBytes);
                return 10;
        }
    }

    [Benchmark]
    public int Write() => FrameHeader.Write(_destination, Opcode.Binary, PayloadBytes);
}
