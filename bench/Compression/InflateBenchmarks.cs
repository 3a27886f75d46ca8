using System.Buffers;
using System.IO.Compression;
using BenchmarkDotNet.Attributes;
using Weir.Protocol.Compression;

namespace Weir.Bench.Compression;

/// <summary>Decompressing one JSON message; <c>Alone</c> is without context takeover, the engine's default.</summary>
[MemoryDiagnoser]
public class InflateBenchmarks
{
    private const int Messages = 64;
    private const int WindowBits = 15;

    private readonly byte[][] _alone = new byte[Messages][];

    // A message refers to earlier ones only, so the chain can be repeated.
    private readonly byte[][] _chained = new byte[Messages][];
    private readonly byte[] _output = new byte[16 * 1024 + 1];
    private ZlibPool _pool = null!;
    private Inflater _kept = null!;
    private int _next;

    [Params(512, 16 * 1024)]
    public int Bytes { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _pool = new ZlibPool(new DeflateOptions().Level);
        _kept = _pool.RentInflater(WindowBits);
        Deflater chain = _pool.RentDeflater(WindowBits);
        Deflater single = _pool.RentDeflater(WindowBits);
        FixedBuffer output = new(64 * 1024);
        for (int i = 0; i < Messages; i++)
        {
            ReadOnlySequence<byte> message = new(Payloads.Json(Bytes, seed: i));
            _alone[i] = Deflate(single, message, output, keepContext: false);
            _chained[i] = Deflate(chain, message, output, keepContext: true);
        }

        chain.Dispose();
        single.Dispose();
        for (int i = 0; i < 2 * Messages; i++)
        {
            byte[] expected = Payloads.Json(Bytes, seed: i % Messages);
            _next = i;
            Wrong.Unless(Takeover() == Bytes && _output.AsSpan(0, Bytes).SequenceEqual(expected));
            _next = i;
            Wrong.Unless(Alone() == Bytes && _output.AsSpan(0, Bytes).SequenceEqual(expected));
            _next = i;
            Wrong.Unless(NewDeflateStream() == Bytes && _output.AsSpan(0, Bytes).SequenceEqual(expected));
        }

        _next = 0;
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _kept.Dispose();
        _pool.Dispose();
    }

    [Benchmark(Baseline = true)]
    public int NewDeflateStream()
    {
        using MemoryStream compressed = new(_alone[_next++ % Messages]);
        using DeflateStream inflate = new(compressed, CompressionMode.Decompress);
        return inflate.ReadAtLeast(_output, Bytes, throwOnEndOfStream: false);
    }

    [Benchmark]
    public int Alone()
    {
        Inflater inflater = _pool.RentInflater(WindowBits);
        int written = Inflate(inflater, _alone[_next++ % Messages], keepContext: false);
        _pool.Return(inflater);
        return written;
    }

    [Benchmark]
    public int Takeover() => Inflate(_kept, _chained[_next++ % Messages], keepContext: true);

    private int Inflate(Inflater inflater, byte[] message, bool keepContext)
    {
        inflater.Inflate(message, _output, out _, out int written);
        inflater.Inflate(Inflater.MessageTail, _output.AsSpan(written), out _, out int rest);
        inflater.EndMessage(keepContext);
        return written + rest;
    }

    private static byte[] Deflate(Deflater deflater, ReadOnlySequence<byte> message, FixedBuffer output, bool keepContext)
    {
        output.Clear();
        deflater.Deflate(message, output, keepContext);
        return output.Written.ToArray();
    }
}
