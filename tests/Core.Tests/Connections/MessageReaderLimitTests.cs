using System.IO.Compression;
using Weir.Connections;
using Weir.Testing;
using Weir.TestSupport.MessageReading;
using Xunit;

namespace Weir.Core.Tests.Connections;

/// <summary>
/// The message limit: evaluated from headers before a payload arrives, over all fragments, and after decompression. The
/// driver checks at every call that no more is rented than the limit allows.
/// </summary>
public class MessageReaderLimitTests
{
    private const int Limit = 1000;

    [Theory]
    [InlineData(1)]
    [InlineData(125)]
    [InlineData(1000)]
    [InlineData(MessageReader.InPlaceBytes)]
    [InlineData(MessageReader.InPlaceBytes + 1)]
    [InlineData(200_000)]
    public void Next_OneFrame_MayBeAsLargeAsTheLimitAndNoLarger(int limit)
    {
        MessageReaderSetup setup = new(limit);
        Assert.Equal($"message of {limit}", Play(setup, Frames.Binary(new byte[limit])));
        Assert.Equal($"message of {limit}", Play(setup with { StreamFragments = true }, Frames.Binary(new byte[limit])));

        // The header suffices: no byte of the payload is there.
        Assert.Equal("too big", Play(setup, Frames.ClientHeader(0x2, (ulong)limit + 1)));
        Assert.Equal("too big", Play(setup, Frames.ClientHeader(0x1, (ulong)limit + 1)));
        Assert.Equal("too big", Play(setup, Frames.ClientHeader(0x2, (ulong)limit + 1, fin: false)));
        Assert.Equal("too big", Play(setup with { StreamFragments = true }, Frames.ClientHeader(0x2, (ulong)limit + 1)));
    }

    [Fact]
    public void Next_HugeClaim_RentsNothing()
    {
        using MessageReaderPools pools = new();
        MessageReaderSetup setup = new(int.MaxValue);
        byte[] header = Frames.ClientHeader(0x2, int.MaxValue);
        MessageReaderDriver.Play(setup, pools, header, MessageReaderDelivery.Whole);
        Assert.Equal(0, pools.Arrays.Rents);

        MessageReaderDriver.Play(setup, pools, [.. header, 0x00], MessageReaderDelivery.ByteByByte(header.Length + 1));
        Assert.Equal(1, pools.Arrays.Rents);
    }

    [Theory]
    [InlineData(999, 1, true)]
    [InlineData(999, 2, false)]
    [InlineData(1000, 0, true)]
    [InlineData(1000, 1, false)]
    [InlineData(0, 1000, true)]
    [InlineData(0, 1001, false)]
    public void Next_TwoFragments_AreLimitedBySum(int first, int second, bool fits)
    {
        foreach (bool pieces in new[] { false, true })
        {
            MessageReaderSetup setup = new(Limit, pieces);
            byte[] begin = Frames.Binary(new byte[first], fin: false);
            byte[] whole = [.. begin, .. Frames.Ping(), .. Frames.Continuation(new byte[second])];
            Assert.Equal(fits ? $"ping, message of {Limit}" : "ping, too big", Play(setup, whole));

            byte[] headerOnly = [.. begin, .. Frames.ClientHeader(0x0, (ulong)second)];
            Assert.Equal(fits ? second == 0 ? $"message of {Limit}" : "" : "too big", Play(setup, headerOnly));
        }
    }

    [Fact]
    public void Next_AfterALargeMessage_CountsAnew()
    {
        byte[] message = [.. Frames.Binary(new byte[600], fin: false), .. Frames.Continuation(new byte[400])];
        Assert.Equal(
            $"message of {Limit}, message of {Limit}, message of {Limit}",
            Play(new MessageReaderSetup(Limit), [.. message, .. message, .. Frames.Binary(new byte[Limit])]));
    }

    [Fact]
    public void Next_PingsBetweenFragments_DoNotCount()
    {
        byte[] ping = Frames.Ping(new byte[125]);
        byte[] pings = [.. Enumerable.Repeat(ping, 50).SelectMany(bytes => bytes)];
        byte[] stream = [.. Frames.Binary(new byte[500], fin: false), .. pings, .. Frames.Continuation(new byte[500])];
        Assert.EndsWith($"ping, message of {Limit}", Play(new MessageReaderSetup(Limit), stream), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1_000_000, true)]
    [InlineData(999_999, false)]
    public void Next_AMillionFragmentsOfOneByte_CostTheirBytes(int limit, bool fits)
    {
        byte[] stream = Repeat(Frames.Binary([0x41], fin: false), Frames.Continuation([0x41], fin: false),
            999_999, Frames.Continuation([]));
        (string seen, long peak) = PlayInReads(new MessageReaderSetup(limit), stream);
        Assert.Equal(fits ? "message of 1000000" : "too big", seen);
        Assert.InRange(peak, 900_000, limit + (64 * 1024) + 8);

        (seen, peak) = PlayInReads(new MessageReaderSetup(limit, StreamFragments: true), stream);
        Assert.Equal(fits ? "message of 1000000" : "too big", seen);
        Assert.Equal(0, peak);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Next_AMillionEmptyFragments_CostNothing(bool compressed)
    {
        byte[] first = Frames.Client(0x1, [], fin: false, rsv: compressed ? 4 : 0);
        byte[] stream = Repeat(first, Frames.Continuation([], fin: false), 1_000_000, Frames.Continuation([]));
        MessageReaderSetup setup = new(Limit, Deflate: MessageReaderSetup.Takeover);
        (string seen, long peak) = PlayInReads(setup, stream);
        Assert.Equal("message of 0", seen);
        Assert.InRange(peak, 0, compressed ? 1024 + 8 : 0);
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(65_536)]
    [InlineData(300_000)]
    public void Next_Compressed_MayUnfoldToTheLimitAndNoFurther(int limit)
    {
        foreach (bool pieces in new[] { false, true })
        {
            foreach (CompressionLevel level in new[] { CompressionLevel.Optimal, CompressionLevel.Fastest, CompressionLevel.NoCompression })
            {
                MessageReaderSetup setup = new(limit, pieces, MessageReaderSetup.NoTakeover);
                Assert.Equal($"message of {limit}", Play(setup, Compressed(new byte[limit], level)));
                Assert.Equal("too big", Play(setup, Compressed(new byte[limit + 1], level)));

                // Random bytes become longer: that alone must not refuse them.
                byte[] noise = new byte[limit];
                new Random(limit).NextBytes(noise);
                byte[] frame = Compressed(noise, level);
                Assert.True(frame.Length > limit);
                Assert.Equal($"message of {limit}", Play(setup, frame));
            }
        }
    }

    [Fact]
    public void Next_AfterALargeCompressedMessage_CountsAnew()
    {
        MessageReaderSetup setup = new(Limit, Deflate: MessageReaderSetup.NoTakeover);
        byte[] noise = new byte[Limit];
        new Random(Limit).NextBytes(noise);
        byte[] large = Compressed(noise, CompressionLevel.Optimal);
        Assert.Equal($"message of {Limit}, message of {Limit}, message of {Limit}",
            Play(setup, [.. large, .. large, .. Frames.Binary(noise)]));
    }

    [Fact]
    public void Next_Bomb_IsStoppedAtTheLimitHoweverItArrives()
    {
        MessageReaderSetup setup = new(100_000, Deflate: MessageReaderSetup.Takeover);
        byte[] bomb = Compressed(new byte[50_000_000], CompressionLevel.SmallestSize);
        Assert.InRange(bomb.Length, 1, 100_000);
        using MessageReaderPools pools = new();
        foreach (MessageReaderDelivery delivery in new[] { MessageReaderDelivery.Whole, MessageReaderDelivery.ByteByByte(bomb.Length) })
        {
            MessageReaderTranscript transcript = MessageReaderDriver.Play(setup, pools, bomb, delivery);
            Assert.Equal("too big", Summary(transcript));

            // At some 1,000 to 1 the limit is reached within the first few hundred bytes.
            Assert.InRange(transcript.PeakRentedBytes, 100_000, setup.MaxRentedBytes);
            Assert.InRange(transcript.Events[0].ArrivedBytes, 0, delivery.Reads.Length == 0 ? bomb.Length : 300);
        }
    }

    [Fact]
    public void Next_CompressedDataThatUnfoldsToNothing_IsLimitedToo()
    {
        byte[] emptyStoredBlock = [0x00, 0x00, 0x00, 0xFF, 0xFF];
        byte[] payload = [.. Enumerable.Repeat(emptyStoredBlock, 2_000).SelectMany(block => block)];
        MessageReaderSetup setup = new(Limit, Deflate: MessageReaderSetup.Takeover);
        Assert.Equal("too big", Play(setup, Frames.Client(0x2, payload, rsv: 4)));
        Assert.Equal("message of 0", Play(setup, Frames.Client(0x2, payload.AsSpan(..1000), rsv: 4)));

        byte[] fragments = Repeat(
            Frames.Client(0x2, emptyStoredBlock, fin: false, rsv: 4), Frames.Continuation(emptyStoredBlock, fin: false), 2_000, []);
        Assert.Equal("too big", Play(setup, fragments));
    }

    [Fact]
    public void Next_SmallFragmentsOfAMessageThatUnfoldsTooFar_AreStopped()
    {
        using MessageReaderCompressor compressor = new(takeover: true);
        byte[] payload = compressor.Compress(new byte[Limit + 1]);
        byte[] stream = Repeat(Frames.Client(0x2, payload.AsSpan(..1), fin: false, rsv: 4), [], 0, []);
        foreach (byte value in payload[1..])
        {
            stream = [.. stream, .. Frames.Continuation([value], fin: false)];
        }

        Assert.Equal("too big",
            Play(new MessageReaderSetup(Limit, Deflate: MessageReaderSetup.Takeover), [.. stream, .. Frames.Continuation([])]));
    }

    [Fact]
    public void Next_UncompressedWhereCompressionIsAgreed_HasNoAllowance()
    {
        MessageReaderSetup setup = new(Limit, Deflate: MessageReaderSetup.Takeover);
        Assert.Equal("too big", Play(setup, Frames.ClientHeader(0x2, Limit + 1)));
        Assert.Equal("", Play(setup, Frames.ClientHeader(0x2, Limit + 1, rsv: 4)));
        Assert.Equal("", Play(setup, Frames.ClientHeader(0x2, Limit + (Limit / 8) + 64, rsv: 4)));
        Assert.Equal("too big", Play(setup, Frames.ClientHeader(0x2, Limit + (Limit / 8) + 65, rsv: 4)));
    }

    private static byte[] Compressed(byte[] message, CompressionLevel level)
    {
        using MessageReaderCompressor compressor = new(takeover: false);
        return Frames.Client(0x2, compressor.Compress(message, level), rsv: 4);
    }

    private static byte[] Repeat(byte[] first, byte[] middle, int times, byte[] last)
    {
        byte[] stream = new byte[first.Length + (middle.Length * times) + last.Length];
        first.CopyTo(stream, 0);
        for (int i = 0; i < times; i++)
        {
            middle.CopyTo(stream, first.Length + (i * middle.Length));
        }

        last.CopyTo(stream, stream.Length - last.Length);
        return stream;
    }

    private static string Play(MessageReaderSetup setup, byte[] stream)
    {
        using MessageReaderPools pools = new();
        string whole = Summary(MessageReaderDriver.Play(setup, pools, stream, MessageReaderDelivery.Whole));
        string inReads = PlayInReads(setup, stream).Seen;
        Assert.Equal(whole, inReads);
        return whole;
    }

    private static (string Seen, long PeakRented) PlayInReads(MessageReaderSetup setup, byte[] stream)
    {
        const int ReadSize = 4093; // A prime, so that frames are split everywhere.
        int[] reads = [.. Enumerable.Range(1, stream.Length / ReadSize).Select(i => i * ReadSize)];
        using MessageReaderPools pools = new();
        MessageReaderTranscript transcript = MessageReaderDriver.Play(
            setup, pools, stream, new MessageReaderDelivery("in reads of 4,093 bytes", reads, reads));
        return (Summary(transcript), transcript.PeakRentedBytes);
    }

    private static string Summary(MessageReaderTranscript transcript)
        => string.Join(", ", transcript.Events.Select(found => found.Kind switch
    {
        ReadEvent.Message => $"message of {found.Payload.Length}",
        ReadEvent.Ping => "ping",
        _ => found.Detail == "1009 message too big" ? "too big" : found.Detail,
    }));
}
