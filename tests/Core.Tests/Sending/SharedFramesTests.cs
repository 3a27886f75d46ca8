using System.Buffers;
using Weir.Core.Tests.Compression;
using Weir.Protocol;
using Weir.Protocol.Compression;
using Weir.Sending;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Core.Tests.Sending;

public sealed class SharedFramesTests : IDisposable
{
    private readonly DiagnosticArrayPool _arrays = new();
    private readonly SharedFramesPool _runs;
    private readonly ZlibPool _zlib = new(new DeflateOptions().Level);

    public SharedFramesTests() => _runs = new SharedFramesPool(_arrays);

    public void Dispose()
    {
        _zlib.Dispose();
        _arrays.Dispose();
    }

    [Fact]
    public void Append_EveryHeaderForm_ParsesBack()
    {
        int[] sizes = [0, 1, 125, 126, 65_535, 65_536];
        SharedFrames run = _runs.Rent(16);
        int end = 0;
        foreach (int size in sizes)
        {
            run.Append(Opcode.Binary, Payload(size));
            end += size + (size < 126 ? 2 : size < 65_536 ? 4 : 10);
            Assert.Equal(end, run.EndOf(run.Count - 1));
        }

        IReadOnlyList<ServerFrame> frames = Frames.ParseAll(run.Bytes);
        Assert.Equal(end, run.Length);
        Assert.Equal(sizes.Length, run.Count);
        Assert.Equal(sizes.Sum(), run.PayloadBytes);
        Assert.Equal(sizes, frames.Select(frame => frame.Payload.Length));
        Assert.All(frames, frame => Assert.Equal((true, 0, 2), (frame.Fin, frame.Rsv, frame.Opcode)));
        Assert.All(frames, frame => Assert.Equal(Payload(frame.Payload.Length), frame.Payload));
        Assert.Equal(1, _arrays.Outstanding); // the arrays it outgrew went back
        run.Release();
    }

    [Fact]
    public void Append_SegmentedPayload_IsPutTogether()
    {
        SharedFrames run = _runs.Rent(64);
        foreach ((string how, ReadOnlySequence<byte> bytes) in Segments.EveryWay([1, 2, 3, 4, 5]))
        {
            run.Append(Opcode.Text, bytes);
            Assert.True(new byte[] { 0x81, 5, 1, 2, 3, 4, 5 }.AsSpan().SequenceEqual(run.Bytes[^7..]), how);
        }

        run.Release();
    }

    [Fact]
    public void BoundaryAtOrAfter_EveryOffset_IsTheEndOfItsMessage()
    {
        SharedFrames run = _runs.Rent(64);
        run.Append(Opcode.Text, Payload(3)); // 0-5
        run.Append(Opcode.Text, Payload(0)); // 5-7
        run.Append(Opcode.Text, Payload(4)); // 7-13

        for (int offset = 1; offset <= 13; offset++)
        {
            Assert.Equal(offset <= 5 ? 5 : offset <= 7 ? 7 : 13, run.BoundaryAtOrAfter(offset));
        }

        run.Release();
    }

    [Fact]
    public void Release_LastReference_ReturnsTheArray()
    {
        SharedFrames run = _runs.Rent(64);
        run.Append(Opcode.Text, Payload(3));
        Assert.Same(run, run.AddReference());

        run.Release();
        Assert.Equal(1, _arrays.Outstanding);
        Assert.Equal(5, run.Length);
        run.Release();

        Assert.Equal(0, _arrays.Outstanding);
        SharedFrames next = _runs.Rent(64);
        Assert.Equal((0, 0, 0), (next.Length, next.Count, next.PayloadBytes));
        next.Release();
    }

    [Fact]
    public async Task AddReference_ManyThreads_ReturnsTheArrayOnce()
    {
        SharedFrames run = _runs.Rent(64);
        run.Append(Opcode.Text, Payload(3));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            for (int i = 0; i < 10_000; i++)
            {
                run.AddReference().Release();
            }
        }))).Within();

        Assert.Equal(1, _arrays.Outstanding);
        run.Release();
        Assert.Equal(0, _arrays.Outstanding);
    }

    [Fact]
    public async Task Deflated_ByManyAtOnce_CompressesOncePerWindow()
    {
        SharedFrames run = _runs.Rent(4096);
        run.Append(Opcode.Text, Prose(2000));
        long before = _arrays.Rents;

        SharedFrames[] variants = await Task.WhenAll(Enumerable.Range(0, 64).Select(i => Task.Run(
            () => run.Deflated(windowBits: i % 2 == 0 ? 15 : 9, _zlib, minimumBytes: 0)))).Within();

        Assert.Equal(2, variants.Distinct().Count());
        Assert.Same(variants[0], variants[62]);
        Assert.Equal(before + 2, _arrays.Rents); // each variant fits the array it was given
        run.Release();
    }

    [Fact]
    public void Deflated_ShortAndLongMessages_EachDecodesAlone()
    {
        byte[][] messages = [Prose(1000), Prose(10), Prose(1000), []];
        SharedFrames run = _runs.Rent(4096);
        foreach (byte[] message in messages)
        {
            run.Append(Opcode.Text, message);
        }

        run.Append(Opcode.Binary, Payload(70_000));
        SharedFrames variant = run.Deflated(windowBits: 12, _zlib, minimumBytes: 100);

        IReadOnlyList<ServerFrame> frames = Frames.ParseAll(variant.Bytes);
        Assert.Equal([4, 0, 4, 0, 4], frames.Select(frame => frame.Rsv));
        Assert.Equal([1, 1, 1, 1, 2], frames.Select(frame => frame.Opcode));
        Assert.Equal(frames.Count, variant.Count);
        Assert.Equal(run.PayloadBytes, variant.PayloadBytes);
        Assert.Equal(variant.Length, variant.EndOf(variant.Count - 1));
        byte[][] decoded = [.. frames.Select(frame => frame.Rsv == 0 ? frame.Payload : new PlainInflater().Decode(frame.Payload))];
        Assert.Equal([.. messages, Payload(70_000)], decoded);
        Assert.True(variant.Length < run.Length);
        Assert.Equal(_zlib.LiveStates, _zlib.IdleStates);
        run.Release();
    }

    [Fact]
    public void Deflated_VariantStillHeld_OutlivesTheRun()
    {
        SharedFrames run = _runs.Rent(4096);
        run.Append(Opcode.Text, Prose(1000));
        SharedFrames variant = run.Deflated(windowBits: 15, _zlib, minimumBytes: 0).AddReference();

        run.Release();
        Assert.Equal(1, _arrays.Outstanding);
        Assert.Equal(Prose(1000), new PlainInflater().Decode(Assert.Single(Frames.ParseAll(variant.Bytes)).Payload));

        variant.Release();
        Assert.Equal(0, _arrays.Outstanding);
    }

    internal static byte[] Payload(int size) => [.. Enumerable.Range(0, size).Select(i => (byte)(i * 7))];

    internal static byte[] Prose(int size, string seed = "still waters run deep; ")
        => [.. Enumerable.Range(0, size).Select(i => (byte)seed[i % seed.Length])];
}
