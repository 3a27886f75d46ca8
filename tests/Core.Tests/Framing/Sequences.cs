using System.Buffers;

namespace Weir.Core.Tests.Framing;

/// <summary>Bytes from commented hex, and the same bytes in every segmentation that a pipe may deliver.</summary>
internal static class Sequences
{
    public static byte[] Hex(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    public static ReadOnlySequence<byte> SplitAt(byte[] bytes, int at) => Join(bytes[..at], bytes[at..]);

    /// <summary>One byte per segment, and an empty segment after each.</summary>
    public static ReadOnlySequence<byte> ByteByByte(byte[] bytes) =>
        Join([.. bytes.SelectMany(value => new byte[][] { [value], [] })]);

    public static ReadOnlySequence<byte> Join(params byte[][] parts)
    {
        if (parts.Length == 0)
        {
            return ReadOnlySequence<byte>.Empty;
        }

        Segment first = new(parts[0]);
        Segment last = first;
        foreach (byte[] part in parts.Skip(1))
        {
            last = last.Append(part);
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
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
