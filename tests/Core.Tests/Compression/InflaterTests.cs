using System.Buffers;
using System.IO.Compression;
using System.Text;
using Weir.Protocol.Compression;
using Weir.TestSupport;
using Xunit;

namespace Weir.Core.Tests.Compression;

public class InflaterTests
{
    private readonly LiveCount _live = new();

    // RFC 7692 7.2.3: the encodings of "Hello" given there.
    [Theory]
    [InlineData("F248CDC9C90700")] // 7.2.3.1: one block, fixed codes
    [InlineData("000500FAFF48656C6C6F00")] // 7.2.3.3: stored
    [InlineData("F348CDC9C9070000")] // 7.2.3.4: BFINAL
    [InlineData("F348CDC9C90700")] // the same without the octet 00 that the RFC requires
    [InlineData("F248050000 00FFFFCAC9C90700")] // 7.2.3.5: two blocks
    [InlineData("F24805000000FFFF F348CDC9C9070000", "HeHello")] // BFINAL in the second block only
    [InlineData("F348CDC9C90700 F348CDC9C90700 F248CDC9C90700", "HelloHelloHello")] // streams in a row
    [InlineData("0300 0300 0300 F248CDC9C90700")] // empty blocks with BFINAL first
    [InlineData("010500FAFF48656C6C6F 00")] // stored with BFINAL
    [InlineData("00", "")] // 7.2.3.6
    [InlineData("", "")]
    [InlineData("0300", "")]
    [InlineData("030000", "")]
    public void Inflate_SampleOfHello_DecodesHoweverItIsSplit(string hex, string expected = "Hello")
    {
        byte[] payload = Hex(hex);
        foreach (bool keepContext in new[] { true, false })
        {
            using var inflater = new Inflater(15, _live);
            foreach (int inputStep in new[] { int.MaxValue, 1, 2, 3 })
            {
                foreach (int outputStep in new[] { 1024, 1, 2, 5 })
                {
                    byte[]? message = Messages.Decompress(inflater, payload, keepContext, inputStep, outputStep);
                    Assert.Equal(expected, Text(message));
                }
            }
        }
    }

    [Fact]
    public void Inflate_SharedWindow_RefersToTheMessageBefore()
    {
        // 7.2.3.2: the second "Hello" is a reference to the first.
        using var inflater = new Inflater(15, _live);
        Assert.Equal("Hello", Text(Messages.Decompress(inflater, Hex("F248CDC9C90700"), keepContext: true)));
        Assert.Equal("Hello", Text(Messages.Decompress(inflater, Hex("F200110000"), keepContext: true)));
    }

    [Fact]
    public void EndMessage_WithoutContext_MakesReferencesBackCorrupt()
    {
        using var inflater = new Inflater(15, _live);
        Assert.Equal("Hello", Text(Messages.Decompress(inflater, Hex("F248CDC9C90700"), keepContext: false)));
        Assert.Null(Messages.Decompress(inflater, Hex("F200110000"), keepContext: false));
    }

    [Fact]
    public void Inflate_OutputOfDeflateStream_Decodes()
    {
        byte[] message = Messages.Compressible(100_000);
        var compressed = new MemoryStream();
        using var stream = new DeflateStream(compressed, CompressionLevel.Optimal);
        stream.Write(message);
        stream.Flush(); // a sync flush: a message but for its tail
        byte[] flushed = compressed.ToArray();
        Assert.Equal(Inflater.MessageTail, flushed.AsSpan(^4..));
        stream.Dispose();
        byte[] finished = compressed.ToArray();

        using var inflater = new Inflater(15, _live);
        Assert.Equal(message, Messages.Decompress(inflater, flushed[..^4], keepContext: true));
        Assert.Equal(message, Messages.Decompress(inflater, [.. finished, 0x00], keepContext: true));
        Assert.Equal(message, Messages.Decompress(inflater, finished, keepContext: true));
        Assert.Equal(message, Messages.Decompress(inflater, flushed[..^4], keepContext: true));
    }

    [Fact]
    public void Inflate_EmptyOutput_IsReportedAndLosesNothing()
    {
        using var inflater = new Inflater(15, _live);
        Assert.Equal(InflateStatus.Ok, inflater.Inflate(Hex("F248CDC9C90700"), [], out int consumed, out int written));
        Assert.Equal(0, written);
        byte[] output = new byte[16];
        Assert.Equal(
            InflateStatus.Ok, inflater.Inflate(Hex("F248CDC9C90700").AsSpan(consumed), output, out _, out written));
        Assert.Equal("Hello", Text(output[..written]));
    }

    [Theory]
    [InlineData("07FFFFFFFFFFFFFF")] // reserved block type
    [InlineData("000500000048656C6C6F")] // stored length without its complement
    [InlineData("F248CDC9C9070322FFFFFFFFFFFFFFFF")] // distance beyond the beginning
    [InlineData("FCFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF")] // too many length codes
    [InlineData("FFFFFFFFFFFFFFFF")]
    [InlineData("04C0FFFFFFFFFFFFFFFF")] // code lengths that do not add up
    [InlineData("F200110000")] // reference into a history that is not there
    [InlineData("F348CDC9C90700 F200110000")] // reference across the end of a stream
    public void Inflate_CorruptInput_IsCorruptHoweverItIsSplitAndStaysSo(string hex)
    {
        byte[] payload = Hex(hex);
        foreach (int inputStep in new[] { int.MaxValue, 1 })
        {
            foreach (int outputStep in new[] { 1024, 1 })
            {
                using var inflater = new Inflater(15, _live);
                Assert.Null(Messages.Decompress(inflater, payload, keepContext: true, inputStep, outputStep));
                Assert.Equal(InflateStatus.Corrupt, inflater.Inflate(payload, new byte[9], out _, out int written));
                Assert.Equal(0, written);
            }
        }
    }

    [Fact]
    public void Inflate_ReferenceBeyondTheWindow_IsCorrupt()
    {
        // 1,000 octets that do not compress, then the same again: a reference 1,000 back, and a window of 512.
        byte[] half = Messages.Random(1000);
        using var deflater = new Deflater(15, 6, _live);
        byte[] payload = Messages.Compress(deflater, [.. half, .. half], keepContext: false);
        using var wide = new Inflater(10, _live);
        using var narrow = new Inflater(9, _live);

        Assert.Equal((byte[])[.. half, .. half], Messages.Decompress(wide, payload, keepContext: true, outputStep: 1));
        Assert.Null(Messages.Decompress(narrow, payload, keepContext: true, outputStep: 1));
    }

    [Fact]
    public void Inflate_BitFlips_NeverCrashNorOverrun()
    {
        byte[] message = Messages.Compressible(2000);
        using var deflater = new Deflater(15, 6, _live);
        byte[] payload = Messages.Compress(deflater, message, keepContext: false);
        using var inflater = new Inflater(15, _live);
        int corrupt = 0;
        for (int bit = 0; bit < payload.Length * 8; bit++)
        {
            byte[] flipped = [.. payload];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            corrupt += Messages.Decompress(inflater, flipped, keepContext: false) is null ? 1 : 0;
        }

        Assert.NotEqual(0, corrupt);
        Assert.Equal(message, Messages.Decompress(inflater, payload, keepContext: false));
    }

    [Fact]
    public void Inflate_RandomBytes_NeverCrashNorOverrun()
    {
        var random = new Random(7692);
        using var inflater = new Inflater(15, _live);
        byte[] output = new byte[300];
        for (int round = 0; round < 20_000; round++)
        {
            byte[] input = new byte[random.Next(200)];
            random.NextBytes(input);
            ReadOnlySpan<byte> rest = input;
            Span<byte> room = output.AsSpan(0, random.Next(1, 200));
            Span<byte> beyond = output.AsSpan(room.Length);
            beyond.Fill(0xA5);
            int written = room.Length;
            while (!rest.IsEmpty || written == room.Length)
            {
                if (inflater.Inflate(rest, room, out int consumed, out written) == InflateStatus.Corrupt)
                {
                    break;
                }

                rest = rest[consumed..];
            }

            Assert.Equal(-1, beyond.IndexOfAnyExcept((byte)0xA5));
            inflater.EndMessage(keepContext: false);
        }

        Assert.Equal("Hello", Text(Messages.Decompress(inflater, Hex("F248CDC9C90700"), keepContext: true)));
    }

    [Fact]
    public void Inflate_Bomb_ComesOutInStepsAndAllocatesNothing()
    {
        const int Size = 100 * 1024 * 1024;
        using var deflater = new Deflater(15, 9, _live);
        var bomb = new ArrayBufferWriter<byte>();
        deflater.Deflate(Messages.Repeat(new byte[1024 * 1024], Size / (1024 * 1024)), bomb, keepContext: false);
        Assert.InRange(bomb.WrittenCount, 1, 200_000);

        using var inflater = new Inflater(15, _live);
        byte[] output = new byte[16 * 1024];
        long total = 0;
        long allocated = Allocations.LeastOf(() => inflater.EndMessage(keepContext: false), InflateAll);

        Assert.Equal(0, allocated);
        Assert.Equal(Size, total);

        void InflateAll()
        {
            ReadOnlySpan<byte> rest = bomb.WrittenSpan;
            int written = output.Length;
            total = 0;
            while (!rest.IsEmpty || written == output.Length)
            {
                InflateStatus status = inflater.Inflate(rest, output, out int consumed, out written);
                if (status != InflateStatus.Ok || output.AsSpan(0, written).ContainsAnyExcept((byte)0))
                {
                    break;
                }

                rest = rest[consumed..];
                total += written;
            }
        }
    }

    private static byte[] Hex(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    private static string? Text(byte[]? message) => message is null ? null : Encoding.ASCII.GetString(message);
}
