using System.Buffers;
using Weir.Protocol.Compression;
using Xunit;

namespace Weir.Core.Tests.Compression;

/// <summary>Message bodies, and the steps a connection takes to compress and decompress one.</summary>
internal static class Messages
{
    public static byte[] Random(int size, int seed = 1)
    {
        byte[] bytes = new byte[size];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>Words with repeats near and far, so that every window size finds some.</summary>
    public static byte[] Compressible(int size, int seed = 1)
    {
        var random = new Random(seed);
        byte[][] words = [.. Enumerable.Range(0, 400).Select(i => Random(2 + (i % 12), seed + i))];
        var bytes = new List<byte>(size + 16);
        while (bytes.Count < size)
        {
            bytes.AddRange(words[random.Next(words.Length)]);
        }

        return [.. bytes[..size]];
    }

    public static byte[] Compress(Deflater deflater, byte[] message, bool keepContext)
    {
        var output = new ArrayBufferWriter<byte>();
        deflater.Deflate(new ReadOnlySequence<byte>(message), output, keepContext);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Null if corrupt.</summary>
    public static byte[]? Decompress(
        Inflater inflater, byte[] payload, bool keepContext, int inputStep = int.MaxValue, int outputStep = 16 * 1024)
    {
        var message = new ArrayBufferWriter<byte>();
        byte[] output = new byte[outputStep];
        bool valid = Feed(inflater, payload, inputStep, output, message)
            && Feed(inflater, Inflater.MessageTail, inputStep, output, message);
        inflater.EndMessage(keepContext);
        return valid ? message.WrittenSpan.ToArray() : null;
    }

    /// <summary>Splits <paramref name="bytes"/> into pieces of the given lengths, which may be 0.</summary>
    public static ReadOnlySequence<byte> Split(byte[] bytes, params int[] lengths)
    {
        var first = new Segment(bytes.AsMemory(0, lengths[0]), 0);
        Segment last = first;
        foreach (int length in lengths.Skip(1))
        {
            last = last.Append(bytes.AsMemory((int)last.RunningIndex + last.Memory.Length, length));
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    /// <summary>The same bytes many times over, without the memory.</summary>
    public static ReadOnlySequence<byte> Repeat(byte[] bytes, int times)
    {
        var first = new Segment(bytes, 0);
        Segment last = first;
        for (int i = 1; i < times; i++)
        {
            last = last.Append(bytes);
        }

        return new ReadOnlySequence<byte>(first, 0, last, bytes.Length);
    }

    private static bool Feed(
        Inflater inflater, ReadOnlySpan<byte> input, int inputStep, byte[] output, ArrayBufferWriter<byte> message)
    {
        int written = 0;
        while (!input.IsEmpty || written == output.Length)
        {
            ReadOnlySpan<byte> piece = input[..Math.Min(input.Length, inputStep)];
            if (inflater.Inflate(piece, output, out int consumed, out written) != InflateStatus.Ok)
            {
                return false;
            }

            Assert.True(consumed == piece.Length || written == output.Length, "Stopped with input and room left.");
            message.Write(output.AsSpan(0, written));
            input = input[consumed..];
        }

        return true;
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long runningIndex)
        {
            Memory = memory;
            RunningIndex = runningIndex;
        }

        public Segment Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Segment(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
