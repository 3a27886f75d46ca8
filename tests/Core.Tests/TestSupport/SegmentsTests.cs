using System.Buffers;
using System.Runtime.InteropServices;
using Weir.TestSupport;
using Xunit;

namespace Weir.Core.Tests.TestSupport;

public class SegmentsTests
{
    private static readonly byte[] _bytes = [1, 2, 3, 4, 5];

    [Fact]
    public void EveryWay_FiveBytes_AllHoldTheSameBytes()
    {
        (string How, ReadOnlySequence<byte> Bytes)[] ways = [.. Segments.EveryWay(_bytes)];

        Assert.Equal(9, ways.Length);
        Assert.All(ways, way => Assert.Equal(_bytes, way.Bytes.ToArray()));
    }

    [Fact]
    public void Split_AtPositions_SplitsBeforeThem() =>
        Assert.Equal([0, 2, 0, 3, 0], Lengths(Segments.Split(_bytes, 0, 2, 2, 5)));

    [Fact]
    public void EverySplit_FiveBytes_SplitsAtBothEndsToo() =>
        Assert.Equal([0, 1, 2, 3, 4, 5], Segments.EverySplit(_bytes).Select(s => Lengths(s)[0]));

    [Fact]
    public void ByteByByte_FiveBytes_MakesFiveSegments() =>
        Assert.Equal([1, 1, 1, 1, 1], Lengths(Segments.ByteByByte(_bytes)));

    [Theory]
    [InlineData(2, new[] { 2, 2, 1 })]
    [InlineData(5, new[] { 5 })]
    [InlineData(9, new[] { 5 })]
    public void Every_Size_SplitsEvenly(int size, int[] lengths) =>
        Assert.Equal(lengths, Lengths(Segments.Every(size, _bytes)));

    [Fact]
    public void Segments_WrittenInPlace_LeaveTheOriginal()
    {
        ReadOnlySequence<byte> sequence = Segments.Split(_bytes, 2);

        foreach (ReadOnlyMemory<byte> segment in sequence)
        {
            MemoryMarshal.AsMemory(segment).Span.Fill(9);
        }

        Assert.Equal([9, 9, 9, 9, 9], sequence.ToArray());
        Assert.Equal([1, 2, 3, 4, 5], _bytes);
    }

    [Fact]
    public void Whole_Empty_IsEmpty() => Assert.True(Segments.Whole([]).IsEmpty);

    private static List<int> Lengths(ReadOnlySequence<byte> sequence)
    {
        // By hand: the enumerator of a sequence passes over empty segments at the ends.
        List<int> lengths = [];
        for (ReadOnlySequenceSegment<byte>? segment = (ReadOnlySequenceSegment<byte>?)sequence.Start.GetObject();
            segment is not null;
            segment = segment.Next)
        {
            lengths.Add(segment.Memory.Length);
        }

        return lengths;
    }
}
