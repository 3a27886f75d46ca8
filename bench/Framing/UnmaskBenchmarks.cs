using System.Numerics;
using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using Weir.Testing;

namespace Weir.Bench.Framing;

/// <summary>The XOR over every payload a client sends.</summary>
[MemoryDiagnoser]
public class UnmaskBenchmarks
{
    private const uint WireKey = Frames.ExampleKey;

    private readonly byte[] _keyBytes = [0x37, 0xFA, 0x21, 0x3D];
    private byte[] _data = [];
    private uint _key;

    [Params(32, 128, 1024, 16 * 1024, 64 * 1024)]
    public int Bytes { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _key = MemoryMarshal.Read<uint>(_keyBytes);
        byte[] plain = Payloads.Ascii(Bytes);
        byte[] masked = [.. plain];
        Frames.Mask(masked, WireKey);
        foreach (Action unmask in (Action[])[ByteLoop, VectorLoop, () => Masking()])
        {
            _data = [.. masked];
            unmask();
            Wrong.Unless(_data.AsSpan().SequenceEqual(plain));
        }
    }

    [Benchmark(Baseline = true)]
    public void ByteLoop()
    {
        byte[] data = _data;
        byte[] key = _keyBytes;
        for (int i = 0; i < data.Length; i++)
        {
            data[i] ^= key[i & 3];
        }
    }

    /// <summary>The obvious version: one width, the JIT's choice for <see cref="Vector{T}"/>.</summary>
    [Benchmark]
    public void VectorLoop()
    {
        Span<byte> data = _data;
        Vector<byte> key = Vector.AsVectorByte(new Vector<uint>(_key));
        Span<Vector<byte>> blocks = MemoryMarshal.Cast<byte, Vector<byte>>(data);
        for (int i = 0; i < blocks.Length; i++)
        {
            blocks[i] ^= key;
        }

        for (int i = blocks.Length * Vector<byte>.Count; i < data.Length; i++)
        {
            data[i] ^= _keyBytes[i & 3];
        }
    }

    [Benchmark]
    public uint Masking() => Weir.Protocol.Masking.Apply(_data, _key);
}
