using System.Buffers;

namespace Weir.TestSupport;

/// <summary>
/// Splits bytes into <see cref="ReadOnlySequence{T}"/>s of several segments. Every sequence is a copy, each segment over
/// an array of its own and of exactly its length, so that code may unmask in place and overruns show.
/// </summary>
public static class Segments
{
    /// <summary>All in one segment.</summary>
    public static ReadOnlySequence<byte> Whole(ReadOnlySpan<byte> bytes) => Split(bytes);

    /// <summary>
    /// Split before each of <paramref name="positions"/> (ascending, 0 to the length). A position given twice, 0, or the
    /// length makes an empty segment.
    /// </summary>
    public static ReadOnlySequence<byte> Split(ReadOnlySpan<byte> bytes, params ReadOnlySpan<int> positions)
    {
        int from = positions.IsEmpty ? bytes.Length : positions[0];
        Segment first = new(bytes[..from].ToArray());
        Segment last = first;
        for (int i = 0; i < positions.Length; i++)
        {
            int to = i + 1 < positions.Length ? positions[i + 1] : bytes.Length;
            last = last.Append(bytes[from..to].ToArray());
            from = to;
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    /// <summary>One byte in each segment.</summary>
    public static ReadOnlySequence<byte> ByteByByte(ReadOnlySpan<byte> bytes) =>
        bytes.Length < 2 ? Whole(bytes) : Split(bytes, [.. Enumerable.Range(1, bytes.Length - 1)]);

    /// <summary>In segments of <paramref name="size"/> bytes, the last one with the rest.</summary>
    public static ReadOnlySequence<byte> Every(int size, ReadOnlySpan<byte> bytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        int cuts = Math.Max(0, bytes.Length - 1) / size;
        return Split(bytes, [.. Enumerable.Range(1, cuts).Select(i => i * size)]);
    }

    /// <summary>Split in two at every position, both ends included: these have an empty segment.</summary>
    public static IEnumerable<ReadOnlySequence<byte>> EverySplit(byte[] bytes)
    {
        for (int position = 0; position <= bytes.Length; position++)
        {
            yield return Split(bytes, position);
        }
    }

    /// <summary>
    /// Whole, split in two at every position, byte by byte, and byte by byte with empty segments between; each with a description
    /// for the message of a failed assertion.
    /// </summary>
    public static IEnumerable<(string How, ReadOnlySequence<byte> Bytes)> EveryWay(byte[] bytes)
    {
        yield return ("whole", Whole(bytes));
        for (int position = 0; position <= bytes.Length; position++)
        {
            yield return ($"split at {position}", Split(bytes, position));
        }

        yield return ("byte by byte", ByteByByte(bytes));
        int[] doubled = [.. Enumerable.Range(0, bytes.Length + 1).SelectMany(i => new[] { i, i })];
        yield return ("byte by byte, empty segments between", Split(bytes, doubled));
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(byte[] bytes) => Memory = bytes;

        public Segment Append(byte[] bytes)
        {
            Segment next = new(bytes) { RunningIndex = RunningIndex + Memory.Length };
            Next = next;
            return next;
        }
    }
}
