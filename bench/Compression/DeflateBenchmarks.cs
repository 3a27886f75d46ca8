using System.Buffers;
using System.IO.Compression;
using BenchmarkDotNet.Attributes;
using Weir.Protocol.Compression;

namespace Weir.Bench.Compression;

/// <summary>Compressing one JSON message; <c>Alone</c> is without context takeover, the engine's default.</summary>
[MemoryDiagnoser]
public class DeflateBenchmarks
{
    /// <summary>Messages used in turn, so that with takeover the window contains similar messages but not the same one.</summary>
    private const int Messages = 64;

    private const int WindowBits = 15;

    private readonly DeflateOptions _options = new() { Enabled = true };
    private readonly byte[][] _messages = new byte[Messages][];
    private readonly FixedBuffer _output = new(64 * 1024);
    private readonly MemoryStream _stream = new(new byte[64 * 1024]);
    private ZlibPool _pool = null!;
    private Deflater _kept = null!;
    private int _next;

    [Params(512, 16 * 1024)]
    public int Bytes { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _pool = new ZlibPool(_options.Level);
        _kept = _pool.RentDeflater(WindowBits);
        for (int i = 0; i < Messages; i++)
        {
            _messages[i] = Payloads.Json(Bytes, seed: i);
        }

        int alone = Alone();
        Wrong.Unless(Inflates(_messages[0]));
        Takeover();
        int takeover = Takeover();
        Wrong.Unless(takeover < alone && alone < Bytes);
        Console.WriteLine($"// {Bytes} bytes deflate to {alone} alone, to {takeover} as the second with takeover.");
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _kept.Dispose();
        _pool.Dispose();
    }

    /// <summary>The framework's way: a stream, here a new one for each message.</summary>
    [Benchmark(Baseline = true)]
    public long NewDeflateStream()
    {
        _stream.Position = 0;
        ZLibCompressionOptions options = new() { CompressionLevel = _options.Level };
        using (DeflateStream deflate = new(_stream, options, leaveOpen: true))
        {
            deflate.Write(NextMessage());
        }

        return _stream.Position;
    }

    [Benchmark]
    public int Alone()
    {
        Deflater deflater = _pool.RentDeflater(WindowBits);
        _output.Clear();
        deflater.Deflate(new ReadOnlySequence<byte>(NextMessage()), _output, keepContext: false);
        _pool.Return(deflater);
        return _output.Written.Length;
    }

    [Benchmark]
    public int Takeover()
    {
        _output.Clear();
        _kept.Deflate(new ReadOnlySequence<byte>(NextMessage()), _output, keepContext: true);
        return _output.Written.Length;
    }

    private byte[] NextMessage() => _messages[_next++ % Messages];

    private bool Inflates(byte[] expected)
    {
        using MemoryStream compressed = new([.. _output.Written, .. Inflater.MessageTail]);
        using DeflateStream inflate = new(compressed, CompressionMode.Decompress);
        byte[] message = new byte[expected.Length];
        inflate.ReadExactly(message);
        return message.AsSpan().SequenceEqual(expected);
    }
}
