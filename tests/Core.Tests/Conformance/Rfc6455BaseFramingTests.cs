using Weir.Testing;
using Weir.TestSupport.MessageReading;
using Xunit;

namespace Weir.Core.Tests.Conformance;

/// <summary>RFC 6455 sections 5.1 to 5.3 and 5.6 to 5.8: one frame, one message.</summary>
public class Rfc6455BaseFramingTests
{
    [Theory]
    [InlineData("text", "81 05 48656C6C6F")]
    [InlineData("binary", "82 01 00")]
    [InlineData("empty text", "81 00")]
    [InlineData("ping", "89 00")]
    [InlineData("pong", "8A 00")]
    [InlineData("close", "88 00")]
    [InlineData("16-bit length", "82 7E 0080")]
    [InlineData("64-bit length", "82 7F 0000000000010000")]
    [InlineData("a payload beyond any limit", "82 7F 7FFFFFFFFFFFFFFF")]
    [InlineData("a reserved opcode, and unmasked: masking is judged first", "83 00")]
    public void Section_5_1_UnmaskedFrameFailsTheConnection(string rule, string frames) =>
        Conformance.Check(rule, frames, "fault 1002 (RFC 6455 5.1)");

    [Fact]
    public void Section_5_1_UnmaskedContinuationFailsTheConnection() => Conformance.Check(
        "unmasked continuation",
        """
        01 83 00000000 48656C  # text, FIN=0, "Hel"
        80 02          6C6F    # continuation, unmasked
        """,
        "fault 1002 (RFC 6455 5.1)");

    [Theory]
    [InlineData("RSV1 on text", "C1 80 00000000")]
    [InlineData("RSV2 on text", "A1 80 00000000")]
    [InlineData("RSV3 on text", "91 80 00000000")]
    [InlineData("all three on text", "F1 80 00000000")]
    [InlineData("RSV1 on binary, with payload", "C2 81 00000000 00")]
    [InlineData("RSV1 on ping", "C9 80 00000000")]
    [InlineData("RSV2 on pong", "AA 80 00000000")]
    [InlineData("RSV3 on close", "98 80 00000000")]
    [InlineData("RSV1 on a fragment", "41 80 00000000")]
    [InlineData("RSV1 on a continuation", "01 80 00000000  C0 80 00000000")]
    public void Section_5_2_ReservedBitFailsTheConnection(string rule, string frames) =>
        Conformance.Check(rule, frames, "fault 1002 (RFC 6455 5.2)");

    [Theory]
    [InlineData(0x3)]
    [InlineData(0x4)]
    [InlineData(0x5)]
    [InlineData(0x6)]
    [InlineData(0x7)]
    [InlineData(0xB)]
    [InlineData(0xC)]
    [InlineData(0xD)]
    [InlineData(0xE)]
    [InlineData(0xF)]
    public void Section_5_2_ReservedOpcodeFailsTheConnection(int opcode)
    {
        Conformance.Check("final", $"8{opcode:X} 81 00000000 41", "fault 1002 (RFC 6455 5.2)");
        Conformance.Check("fragment", $"0{opcode:X} 81 00000000 41", "fault 1002 (RFC 6455 5.2)");
        Conformance.Check(
            "inside a message", $"01 81 00000000 41  8{opcode:X} 80 00000000", "fault 1002 (RFC 6455 5.2)");
        Conformance.Check(
            "after a message", $"81 81 00000000 41  8{opcode:X} 80 00000000", "text \"A\" | fault 1002 (RFC 6455 5.2)");
    }

    [Theory]
    [InlineData("0 in 16 bits", "82 FE 0000 00000000")]
    [InlineData("1 in 16 bits", "82 FE 0001 00000000 41")]
    [InlineData("125 in 16 bits", "82 FE 007D 00000000")]
    [InlineData("0 in 64 bits", "82 FF 0000000000000000 00000000")]
    [InlineData("125 in 64 bits", "82 FF 000000000000007D 00000000")]
    [InlineData("126 in 64 bits", "82 FF 000000000000007E 00000000")]
    [InlineData("65,535 in 64 bits", "82 FF 000000000000FFFF 00000000")]
    [InlineData("ping of 0 in 16 bits", "89 FE 0000 00000000")]
    [InlineData("close of 2 in 64 bits", "88 FF 0000000000000002 00000000 03E8")]
    [InlineData("high bit of 64 set, the rest 0", "82 FF 8000000000000000 00000000")]
    [InlineData("high bit of 64 set, as -1", "82 FF FFFFFFFFFFFFFFFF 00000000")]
    public void Section_5_2_LengthNotInItsOneFormFailsTheConnection(string rule, string frames) =>
        Conformance.Check(rule, frames, "fault 1002 (RFC 6455 5.2)");

    [Theory]
    [InlineData("largest length", "82 FF 7FFFFFFFFFFFFFFF 00000000")]
    [InlineData("4 GiB: not cut to 32 bits", "82 FF 0000000100000000 00000000")]
    [InlineData("4 GiB and 1", "82 FF 0000000100000001 00000000 00")]
    [InlineData("2 GiB: not negative", "82 FF 0000000080000000 00000000")]
    public void Section_5_2_LongLengthIsReadAsWritten(string rule, string frames) =>
        Conformance.Check(rule, frames, "fault 1009");

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(125)]
    [InlineData(126)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(255)]
    [InlineData(256)]
    public void Section_5_2_LengthAtTheEdgesOfItsForms(int length)
    {
        byte[] payload = [.. Enumerable.Range(0, length).Select(i => (byte)i)];
        byte[] stream = [.. Frames.Binary(payload), .. Frames.Ping()];
        Conformance.Check(
            $"{length} bytes", stream, $"binary {Convert.ToHexString(payload)} | ping ", MessageReaderDelivery.EveryWay(stream.Length));
    }

    [Theory]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(70_000)]
    public void Section_5_2_LongLengthAtTheEdgesOfItsForms(int length)
    {
        byte[] payload = [.. Enumerable.Range(0, length).Select(i => (byte)(i * 7))];
        byte[] stream = [.. Frames.Binary(payload), .. Frames.Ping()];
        MessageReaderDelivery[] deliveries =
        [
            MessageReaderDelivery.Whole,
            MessageReaderDelivery.ByteByByte(stream.Length),
            .. Enumerable.Range(0, 20).Select(at => new MessageReaderDelivery($"two reads cut at {at}", [at], [at])),
        ];
        Conformance.Check($"{length} bytes", stream, $"binary {Convert.ToHexString(payload)} | ping ", deliveries);
    }

    [Theory]
    // The same five bytes 00 to 04, each time under another key.
    [InlineData("key 00000000", "82 85 00000000 00 01 02 03 04")]
    [InlineData("key FFFFFFFF", "82 85 FFFFFFFF FF FE FD FC FB")]
    [InlineData("each byte of the key in its place", "82 85 12345678 12 35 54 7B 16")]
    [InlineData("payload masked to zeros", "82 85 00010203 00 00 00 00 04")]
    public void Section_5_3_OctetIIsMaskedByKeyOctetIModulo4(string rule, string frames) =>
        Conformance.Check(rule, frames, "binary 0001020304");

    [Fact]
    public void Section_5_3_EachFrameHasItsOwnKeyFromTheStart() => Conformance.Check(
        "keys change in mid-message, at an odd length",
        """
        01 83 12345678 5A513A  # "Hel"
        80 82 9ABCDEF0 F6D3    # "lo"
        89 81 55AA55AA 55      # ping 00
        """,
        "text \"Hello\" | ping 00");

    [Theory]
    [InlineData("text", "81 81 00000000 41", "text \"A\"")]
    [InlineData("binary", "82 81 00000000 41", "binary 41")]
    [InlineData("empty text", "81 80 00000000", "text \"\"")]
    [InlineData("empty binary", "82 80 00000000", "binary ")]
    [InlineData("binary need not be UTF-8", "82 82 00000000 FFC0", "binary FFC0")]
    [InlineData("two messages", "81 81 00000000 41  82 81 00000000 42", "text \"A\" | binary 42")]
    [InlineData("a header alone is no message", "81 81 00000000", "")]
    [InlineData("nothing is no message", "", "")]
    public void Section_5_6_DataFrames(string rule, string frames, string expected) =>
        Conformance.Check(rule, frames, expected);

    [Theory]
    [InlineData("single-frame masked text", "81 85 37FA213D 7F9F4D5158", "text \"Hello\"")]
    [InlineData("single-frame unmasked text is for clients only", "81 05 48656C6C6F", "fault 1002 (RFC 6455 5.1)")]
    [InlineData("masked pong with the body of the ping", "8A 85 37FA213D 7F9F4D5158", "pong 48656C6C6F")]
    public void Section_5_7_Examples(string rule, string frames, string expected) =>
        Conformance.Check(rule, frames, expected);
}
