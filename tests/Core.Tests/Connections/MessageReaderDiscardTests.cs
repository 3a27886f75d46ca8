using System.Buffers;
using Weir.Connections;
using Weir.Testing;
using Weir.TestSupport.MessageReading;
using Xunit;

namespace Weir.Core.Tests.Connections;

/// <summary>After the server's Close only the client's is looked for (RFC 6455 section 7.1.2).</summary>
public sealed class MessageReaderDiscardTests : IDisposable
{
    private const string Close = "88 82 00000000 03E8";

    private readonly MessageReaderPools _pools = new();
    private readonly MessageReader _reader;

    public MessageReaderDiscardTests() => _reader = new MessageReaderSetup(100_000).CreateReader(_pools);

    public void Dispose()
    {
        _reader.Release();
        _pools.Dispose();
    }

    [Theory]
    [InlineData("nothing before it", "")]
    [InlineData("messages, pings", "81 81 00000000 41  89 80 00000000  8A 81 00000000 00")]
    [InlineData("text that is not UTF-8", "81 81 00000000 FF")]
    [InlineData("an unmasked frame", "82 03 010203")]
    [InlineData("reserved opcodes and bits", "F3 81 00000000 00  8B 80 00000000")]
    [InlineData("fragments out of order", "80 81 00000000 41  01 80 00000000  81 80 00000000")]
    [InlineData("a length not minimal", "82 FE 0001 00000000 41")]
    [InlineData("a ping too long", "89 FE 007E 00000000 *126")]
    [InlineData("a close too long: that is payload to skip, no Close", "88 FE 007E 00000000 *126")]
    [InlineData("a frame beyond the limit", "82 FF 0000000000020000 00000000 *131072")]
    public void Next_CloseBehindAnything_IsFound(string what, string before)
    {
        byte[] skipped = Expand(before);
        byte[] stream = [.. skipped, .. Frames.Hex(Close)];
        IEnumerable<MessageReaderDelivery> deliveries = stream.Length < 1000
            ? MessageReaderDelivery.EveryWay(stream.Length)
            : [MessageReaderDelivery.Whole, new("4,093 a read", [.. Enumerable.Range(1, 32).Select(i => i * 4093)], [])];
        foreach (MessageReaderDelivery delivery in deliveries)
        {
            MessageReader reader = new MessageReaderSetup(100_000).CreateReader(_pools);
            reader.Discard();
            MessageReaderArrivals arrivals = new(stream, delivery);
            ReadEvent found = ReadEvent.NeedMore;
            foreach (int end in delivery.Reads.Append(stream.Length))
            {
                ReadOnlySequence<byte> buffer = arrivals.ReadTo(end);
                found = reader.Next(ref buffer);
                arrivals.Keep(buffer);
                if (found == ReadEvent.Close)
                {
                    break;
                }

                Assert.Equal(ReadEvent.NeedMore, found);
            }

            Assert.True(found == ReadEvent.Close && arrivals.Arrived == stream.Length, $"{what}: {found}, {delivery.How}");
        }

        Assert.Equal(0, _pools.Arrays.Rents);
    }

    [Theory]
    [InlineData("unmasked", "88 02 03E8")]
    [InlineData("empty", "88 80 00000000")]
    [InlineData("with a code that must not be sent", "88 82 00000000 0000")]
    [InlineData("fragmented, RSV1 set", "48 82 00000000 03E8")]
    [InlineData("of one byte", "88 81 00000000 00")]
    public void Next_FaultyClose_IsGoodEnough(string what, string close)
    {
        _reader.Discard();
        byte[] stream = [.. Frames.Ping(), .. Frames.Hex(close)];
        Assert.True(Read(stream) == ReadEvent.Close, what);
    }

    [Fact]
    public void Next_IncompleteClose_IsWaitedFor()
    {
        _reader.Discard();
        byte[] close = Frames.Hex(Close);
        for (int arrived = 0; arrived < close.Length; arrived++)
        {
            ReadOnlySequence<byte> buffer = new(close, 0, arrived);
            Assert.Equal(ReadEvent.NeedMore, _reader.Next(ref buffer));
            Assert.Equal(arrived, buffer.Length);
        }

        Assert.Equal(ReadEvent.Close, Read(close));
    }

    [Fact]
    public void Next_SkippedPayload_IsNotTouched()
    {
        _reader.Discard();
        byte[] memory = [.. Frames.Text("hello"), .. Frames.Binary(new byte[1000])];
        byte[] before = [.. memory];
        ReadOnlySequence<byte> buffer = new(memory);
        Assert.Equal(ReadEvent.NeedMore, _reader.Next(ref buffer));
        Assert.True(buffer.IsEmpty);
        Assert.Equal(before, memory);
    }

    [Fact]
    public void Discard_InMidMessage_GivesBackWhatWasAssembledAndFindsTheClose()
    {
        Assert.Equal(ReadEvent.NeedMore,
            Read([.. Frames.Binary(new byte[2000], fin: false), .. Frames.Continuation(new byte[10], fin: false)]));
        Assert.NotEqual(0, _pools.Arrays.Outstanding);

        _reader.Discard();

        Assert.Equal(0, _pools.Arrays.Outstanding);
        Assert.Equal(ReadEvent.Close, Read([.. Frames.Continuation(new byte[10]), .. Frames.Close()]));
    }

    [Fact]
    public void Discard_InMidMessageCompressed_GivesTheInflaterBack()
    {
        MessageReader reader = new MessageReaderSetup(Deflate: MessageReaderSetup.Takeover).CreateReader(_pools);
        ReadOnlySequence<byte> buffer = new(Frames.Client(0x1, Frames.Hex("F248CD"), fin: false, rsv: 4));
        Assert.Equal(ReadEvent.NeedMore, reader.Next(ref buffer));
        Assert.NotEqual(_pools.Zlib.LiveStates, _pools.Zlib.IdleStates);

        reader.Discard();

        _pools.AssertAllReturned();
        buffer = new([.. Frames.Continuation(Frames.Hex("C9C90700")), .. Frames.Close()]);
        Assert.Equal(ReadEvent.Close, reader.Next(ref buffer));
        _pools.AssertAllReturned();
    }

    [Theory]
    [InlineData(100)] // the rest of the frame stays in the pipe until it is whole
    [InlineData(MessageReader.InPlaceBytes + 1)] // it is taken out as it comes
    public void Discard_InMidFrame_SkipsTheRestOfIt(int size)
    {
        byte[] frame = Frames.Text(new string('a', size));
        ReadOnlySequence<byte> buffer = new(frame[..50]);
        Assert.Equal(ReadEvent.NeedMore, _reader.Next(ref buffer));

        _reader.Discard();
        _reader.Discard(); // a second one changes nothing

        byte[] kept = buffer.ToArray();
        Assert.Equal(ReadEvent.NeedMore, Read([.. kept, .. frame[50..^1]]));
        Assert.Equal(ReadEvent.Close, Read([.. frame[^1..], .. Frames.Close()]));
    }

    [Theory]
    [InlineData(100)]
    [InlineData(MessageReader.InPlaceBytes + 1)]
    public void Next_FaultInMidFrame_TakesACloseThatComesInsteadOfTheRest(int size)
    {
        byte[] text = new byte[size];
        text[10] = 0xFF;
        ReadOnlySequence<byte> buffer = new(Frames.Client(0x1, text)[..40]);
        Assert.Equal(ReadEvent.Fault, _reader.Next(ref buffer));
        Assert.False(_reader.HasSeenClose);

        _reader.Discard();

        Assert.Equal(ReadEvent.NeedMore, _reader.Next(ref buffer));
        Assert.True(buffer.IsEmpty);
        Assert.Equal(ReadEvent.NeedMore, Read([0x88, 0x82]));
        Assert.Equal(ReadEvent.Close, Read(Frames.Close()));
    }

    [Theory]
    [InlineData("something before it", "00 88 82 00000000 03E8")]
    [InlineData("something behind it", "88 82 00000000 03E8 00")]
    [InlineData("not all of it", "88 82 00000000 03")]
    [InlineData("header not whole", "88 82 0000")]
    [InlineData("not masked", "88 02 03E8")]
    [InlineData("a fragment", "08 82 00000000 03E8")]
    [InlineData("a reserved bit", "C8 82 00000000 03E8")]
    [InlineData("another opcode", "89 82 00000000 03E8")]
    [InlineData("too long", "88 FE 007E 00000000 *126")]
    public void Next_InMidFrame_PayloadThatIsNotJustOneCloseIsPayload(string what, string payload)
    {
        ReadOnlySequence<byte> header = new(Frames.ClientHeader(0x2, MessageReader.InPlaceBytes + 1));
        Assert.Equal(ReadEvent.NeedMore, _reader.Next(ref header));
        _reader.Discard();

        Assert.True(Read(Expand(payload)) == ReadEvent.NeedMore, what);
        Assert.Equal(ReadEvent.Close, Read(Frames.Close()));
    }

    [Fact]
    public void Next_InMidFrameOfAShortRest_StillTakesTheCloseForAClose()
    {
        // Only three bytes of payload are due, the Close is eight: what is just one Close is one.
        byte[] frame = Frames.Client(0x1, [0xFF, 0, 0, 0]);
        ReadOnlySequence<byte> buffer = new(frame[..7]);
        Assert.Equal(ReadEvent.Fault, _reader.Next(ref buffer));
        _reader.Discard();
        Assert.Equal(ReadEvent.NeedMore, _reader.Next(ref buffer));
        Assert.Equal(ReadEvent.Close, Read(Frames.Close()));
    }

    [Theory]
    [InlineData("82 FF FFFFFFFFFFFFFFFF 00000000")]
    [InlineData("82 FF 8000000000000000 00000000")]
    [InlineData("02 7F 8000000000000000")]
    public void Next_BehindALengthThatCannotBe_AllIsSwallowedButALoneClose(string header)
    {
        byte[] stream = [.. Frames.Hex(header), .. Frames.Text("abc"), .. Frames.Close()];
        ReadOnlySequence<byte> buffer = new(stream);
        Assert.Equal(ReadEvent.Fault, _reader.Next(ref buffer));
        _reader.Discard();
        Assert.Equal(ReadEvent.NeedMore, _reader.Next(ref buffer));
        Assert.True(buffer.IsEmpty);

        Assert.Equal(ReadEvent.NeedMore, Read([.. Frames.Text("abc"), .. Frames.Close()]));
        Assert.Equal(ReadEvent.NeedMore, Read(new byte[5000]));
        Assert.Equal(ReadEvent.Close, Read(Frames.Close(1002, "no")));
    }

    [Fact]
    public void Next_FaultyClose_IsReportedAsSeen()
    {
        Assert.Equal(ReadEvent.Fault, Read(Frames.Hex("88 81 00000000 00")));
        Assert.True(_reader.HasSeenClose);
    }

    private ReadEvent Read(byte[] bytes)
    {
        ReadOnlySequence<byte> buffer = new(bytes);
        ReadEvent found = _reader.Next(ref buffer);
        Assert.True(found != ReadEvent.NeedMore || buffer.IsEmpty);
        return found;
    }

    // Hex, where *126 stands for that many bytes.
    private static byte[] Expand(string hex)
    {
        int star = hex.IndexOf('*', StringComparison.Ordinal);
        return star < 0 ? Frames.Hex(hex)
            : [.. Frames.Hex(hex[..star]), .. new byte[int.Parse(hex[(star + 1)..], System.Globalization.CultureInfo.InvariantCulture)]];
    }
}
