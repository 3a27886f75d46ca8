using System.Buffers;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;
using static Weir.Testing.Frames;

namespace Weir.Core.Tests.Testing;

public class FramesTests
{
    [Fact]
    public void Text_Hello_IsTheExampleOfTheRfc()
    {
        // RFC 6455 section 5.7: "A single-frame masked text message".
        byte[] expected = Hex("""
            81 85           # FIN, text; masked, 5 bytes
            37 fa 21 3d     # masking key
            7f9f4d5158      # "Hello", masked
            """);

        Assert.Equal(expected, Text("Hello"));
    }

    [Theory]
    [InlineData(0, LengthForm.Minimal, "82 80")]
    [InlineData(125, LengthForm.Minimal, "82 FD")]
    [InlineData(126, LengthForm.Minimal, "82 FE 00 7E")]
    [InlineData(65535, LengthForm.Minimal, "82 FE FF FF")]
    [InlineData(65536, LengthForm.Minimal, "82 FF 00 00 00 00 00 01 00 00")]
    [InlineData(5, LengthForm.Bits16, "82 FE 00 05")]
    [InlineData(5, LengthForm.Bits64, "82 FF 00 00 00 00 00 00 00 05")]
    [InlineData(ulong.MaxValue, LengthForm.Minimal, "82 FF FF FF FF FF FF FF FF FF")]
    public void ClientHeader_Length_IsWrittenInItsForm(ulong length, LengthForm form, string head) =>
        Assert.Equal(Hex(head + "37FA213D"), ClientHeader(0x2, length, form: form));

    [Fact]
    public void Client_OddBits_AreWrittenAsGiven() =>
        Assert.Equal(Hex("7F 01 61"), Client(0xF, "a"u8, fin: false, rsv: 7, masked: false));

    [Fact]
    public void Close_CodeAndReason_AreUnderTheMask()
    {
        byte[] frame = Close(1001, "bye");
        Mask(frame.AsSpan(6), ExampleKey);

        Assert.Equal(Hex("88 85 37FA213D 03E9 627965"), frame);
        Assert.Equal(Hex("88 80 37FA213D"), Close(null));
    }

    [Fact]
    public void TryParse_EveryPrefix_WaitsForTheWhole()
    {
        byte[] bytes = [.. Hex("C2 7E 00 80"), .. new byte[128]];
        for (int length = 0; length < bytes.Length; length++)
        {
            Assert.False(TryParse(bytes.AsSpan(0, length), out _, out int none));
            Assert.Equal(0, none);
        }

        Assert.True(TryParse([.. bytes, 1, 2], out ServerFrame frame, out int consumed));
        Assert.Equal(132, consumed);
        Assert.Equal((true, 4, 2, 128), (frame.Fin, frame.Rsv, frame.Opcode, frame.Payload.Length));
    }

    [Theory]
    [InlineData("81 80 00000000")] // masked
    [InlineData("81 7E 00 7D")] // 16 bits for 125
    [InlineData("81 7F 00000000 0000FFFF")] // 64 bits for 65535
    [InlineData("81 7F 80000000 00000000")] // highest bit set
    [InlineData("83 00")] // reserved data opcode
    [InlineData("8B 00")] // reserved control opcode
    [InlineData("09 00")] // fragmented control frame
    [InlineData("89 7E 00 7E")] // control frame of 126 bytes
    public void TryParse_BrokenFrame_Throws(string hex) =>
        Assert.Throws<InvalidDataException>(() => TryParse(Hex(hex), out _, out _));

    [Fact]
    public void ParseAll_Frames_GivesThemInOrder()
    {
        IReadOnlyList<ServerFrame> frames = ParseAll(Hex("01 01 61  80 01 62  88 05 03E9 627965"));

        Assert.Equal(["a", "b"], frames.Take(2).Select(f => f.Text));
        Assert.Equal((true, 1001, "bye"), (frames[2].IsClose, frames[2].CloseCode, frames[2].CloseReason));
        Assert.Throws<InvalidDataException>(() => ParseAll(Hex("8A 00  81 02 61")));
    }

    [Fact]
    public void TryParse_SequenceSplitAnyWay_ReturnsTheSameFrame()
    {
        foreach ((string how, ReadOnlySequence<byte> bytes) in Segments.EveryWay(Hex("82 03 010203 8A")))
        {
            ReadOnlySequence<byte> rest = bytes;
            Assert.True(TryParse(ref rest, out ServerFrame frame), how);
            Assert.Equal([1, 2, 3], frame.Payload);
            Assert.False(TryParse(ref rest, out _), how);
            Assert.Equal(1, rest.Length);
        }
    }

    [Theory]
    [InlineData("8")]
    [InlineData("81 8 5")]
    [InlineData("81 zz")]
    public void Hex_NotPairs_Throws(string text) => Assert.Throws<FormatException>(() => Hex(text));
}
