using System.Buffers;
using System.Text;
using Weir.Connections;
using Weir.Testing;
using Weir.TestSupport.MessageReading;
using Xunit;

namespace Weir.Core.Tests.Connections;

/// <summary>Messages handed out in fragments as they arrive, without being held.</summary>
public sealed class MessageReaderStreamFragmentsTests : IDisposable
{
    private readonly MessageReaderPools _pools = new();
    private readonly MessageReader _reader;

    public MessageReaderStreamFragmentsTests() => _reader = new MessageReaderSetup(StreamFragments: true).CreateReader(_pools);

    public void Dispose() => _pools.Dispose();

    [Fact]
    public void Next_FrameInThreeReads_IsThreePieces()
    {
        byte[] frame = Frames.Client(0x1, "abcdef"u8, key: 0);
        Assert.Equal(["first 'ab'"], Read(frame[..8]));
        Assert.Equal(["'cde'"], Read(frame[8..11]));
        Assert.Equal(["last 'f'"], Read(frame[11..]));
    }

    [Fact]
    public void Next_WholeMessage_IsOnePieceFirstAndLast() =>
        Assert.Equal(["first last 'abc'", "first last 'd'"], Read([.. Frames.Text("abc"), .. Frames.Text("d")]));

    [Fact]
    public void Next_EmptyMessage_IsOneEmptyPiece() => Assert.Equal(["first last ''"], Read(Frames.Text("")));

    [Fact]
    public void Next_Fragments_AreAPieceEachWithPingsBetween() => Assert.Equal(
        ["first 'ab'", "ping", "'c'", "last 'd'"],
        Read([.. Frames.Text("ab", fin: false), .. Frames.Ping(), .. Frames.Continuation("c"u8, fin: false),
            .. Frames.Continuation("d"u8)]));

    [Fact]
    public void Next_EmptyFragments_AreNoPiecesUnlessLast() => Assert.Equal(
        ["first 'a'", "last ''"],
        Read([
            .. Frames.Text("", fin: false), .. Frames.Continuation("a"u8, fin: false),
            .. Frames.Continuation([], fin: false), .. Frames.Continuation([])]));

    [Fact]
    public void Next_HeaderWithoutPayload_IsNoPieceYet()
    {
        byte[] frame = Frames.Text("abc");
        Assert.Empty(Read(frame[..6]));
        Assert.Equal(["first last 'abc'"], Read(frame[6..]));
    }

    [Fact]
    public void Next_CharacterSplitByAFragment_IsHandedOutSplit()
    {
        byte[] frame = Frames.Client(0x1, "€"u8, key: 0);
        Assert.Equal(1, Pieces(frame[..7]));
        Assert.Equal(1, Pieces(frame[7..]));
    }

    [Fact]
    public void Next_NotUtf8_FailsBeforeThePieceIsHandedOut()
    {
        byte[] frame = Frames.Client(0x1, [0x61, 0xFF, 0x62], key: 0);
        Assert.Equal(["first 'a'"], Read(frame[..7]));
        Assert.Equal(["fault 1007"], Read(frame[7..8]));
    }

    [Fact]
    public void Next_LargeFrame_RentsNothing()
    {
        byte[] frame = Frames.Binary(new byte[300_000]);
        int pieces = 0;
        for (int at = 0; at < frame.Length; at += 4096)
        {
            pieces += Pieces(frame[at..Math.Min(at + 4096, frame.Length)]);
        }

        Assert.Equal(74, pieces);
        Assert.Equal(0, _pools.Arrays.Rents);
    }

    [Fact]
    public void Next_Compressed_HandsOutWhatCanBeUnfoldedAndKeepsNothing()
    {
        MessageReader reader = new MessageReaderSetup(StreamFragments: true, Deflate: MessageReaderSetup.NoTakeover).CreateReader(_pools);
        byte[] frame = Frames.Client(0x1, Frames.Hex("000500FAFF 48656C6C6F 00"), rsv: 4, key: 0); // "Hello", stored
        List<string> seen = ReadAll(reader, frame[..6]);
        foreach (byte value in frame[6..])
        {
            seen.AddRange(ReadAll(reader, [value]));
        }

        // The stored bytes come one by one; the message ends with the octet 00 and the tail behind it.
        Assert.Equal(["first 'H'", "'e'", "'l'", "'l'", "'o'", "last ''"], seen);
        _pools.AssertAllReturned();
    }

    private int Pieces(byte[] bytes)
    {
        ReadOnlySequence<byte> buffer = new(bytes);
        int pieces = 0;
        while (_reader.Next(ref buffer) is var found && found != ReadEvent.NeedMore)
        {
            Assert.Equal(ReadEvent.Fragment, found);
            pieces++;
        }

        Assert.True(buffer.IsEmpty);
        return pieces;
    }

    private List<string> Read(byte[] bytes) => ReadAll(_reader, bytes);

    private static List<string> ReadAll(MessageReader reader, byte[] bytes)
    {
        ReadOnlySequence<byte> buffer = new(bytes);
        List<string> seen = [];
        while (reader.Next(ref buffer) is var found && found != ReadEvent.NeedMore)
        {
            seen.Add(found switch
            {
                ReadEvent.Fragment => Describe(reader),
                ReadEvent.Ping => "ping",
                _ => $"fault {(int)reader.Fault!.Code}",
            });
            if (found == ReadEvent.Fault)
            {
                break;
            }
        }

        Assert.True(buffer.IsEmpty);
        return seen;
    }

    private static string Describe(MessageReader reader) =>
        $"{(reader.IsFirst ? "first " : "")}{(reader.IsLast ? "last " : "")}'{Encoding.UTF8.GetString(reader.Payload)}'";
}
