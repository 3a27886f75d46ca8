using System.Text.Unicode;
using BenchmarkDotNet.Attributes;
using Weir.Protocol;

namespace Weir.Bench.Framing;

/// <summary>The check of every text message (RFC 6455 section 8.1).</summary>
[MemoryDiagnoser]
public class Utf8Benchmarks
{
    private const int PieceBytes = 1024;

    private byte[] _text = [];

    public enum Script
    {
        Ascii,
        Mixed,
        Cjk,
    }

    [Params(Script.Ascii, Script.Mixed, Script.Cjk)]
    public Script Text { get; set; }

    [Params(128, 16 * 1024)]
    public int Bytes { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        Func<int, byte[]> make = Text switch
        {
            Script.Ascii => Payloads.Ascii,
            Script.Mixed => Payloads.Mixed,
            _ => Payloads.Cjk,
        };
        _text = make(Bytes);
        Wrong.Unless(IsValid() && Whole() && Pieces());
        byte[] good = _text;
        _text = [.. good[..^1], 0xFF];
        Wrong.Unless(!IsValid() && !Whole() && !Pieces());
        _text = good;
    }

    [Benchmark(Baseline = true)]
    public bool IsValid() => Utf8.IsValid(_text);

    [Benchmark]
    public bool Whole()
    {
        Utf8Validator validator = default;
        return validator.Append(_text) && validator.IsComplete;
    }

    /// <summary>As a message arrives over a network; most pieces of the mixed and CJK texts split a character.</summary>
    [Benchmark]
    public bool Pieces()
    {
        Utf8Validator validator = default;
        ReadOnlySpan<byte> left = _text;
        while (left.Length > PieceBytes)
        {
            if (!validator.Append(left[..PieceBytes]))
            {
                return false;
            }

            left = left[PieceBytes..];
        }

        return validator.Append(left) && validator.IsComplete;
    }
}
