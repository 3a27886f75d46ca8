using Weir.TestSupport.MessageReading;
using Xunit;

namespace Weir.Core.Tests.Conformance;

/// <summary>RFC 6455 section 8.1: text is UTF-8, over all its fragments; else 1007, at the first bad byte.</summary>
public class Rfc6455Utf8Tests
{
    private const string Fault = "fault 1007 (RFC 6455 8.1)";

    [Theory]
    [InlineData("two, three and four bytes", "81 89 00000000 C3A9 E282AC F09F9880", "text \"é€😀\"")]
    [InlineData(
        "a character over two fragments",
        """
        01 82 00000000 41E2    # A, and the first byte of the euro sign
        80 82 00000000 82AC
        """,
        "text \"A€\"")]
    [InlineData(
        "a character over four fragments, pings between",
        """
        01 81 00000000 F0
        89 81 00000000 E2      # a ping is no text
        00 81 00000000 9F
        00 80 00000000
        8A 81 00000000 FF
        00 81 00000000 98
        80 81 00000000 80
        """,
        "ping E2 | pong FF | text \"😀\"")]
    [InlineData(
        "fragments of binary may be cut anyhow", "02 81 00000000 E2  80 81 00000000 41", "binary E241")]
    [InlineData(
        "the next text starts afresh", "81 82 00000000 C3A9  81 82 00000000 C3A9", "text \"é\" | text \"é\"")]
    public void Section_8_1_Text(string rule, string frames, string expected) =>
        Conformance.Check(rule, frames, expected);

    [Theory]
    [InlineData("a byte that never occurs", "81 81 00000000 FF")]
    [InlineData("a lone continuation", "81 81 00000000 80")]
    [InlineData("overlong", "81 82 00000000 C080")]
    [InlineData("surrogate", "81 83 00000000 EDA080")]
    [InlineData("beyond U+10FFFF", "81 84 00000000 F4908080")]
    [InlineData("a message that ends in mid-character", "81 82 00000000 41E2")]
    [InlineData("fragments that end in mid-character", "01 81 00000000 41  80 82 00000000 E282")]
    [InlineData("an empty last fragment in mid-character", "01 81 00000000 E2  80 80 00000000")]
    [InlineData("a character broken by the next fragment", "01 81 00000000 E2  80 82 00000000 4142")]
    [InlineData("masked", "81 82 37FA213D 8805")]
    public void Section_8_1_NotUtf8FailsTheConnection(string rule, string frames) => Conformance.Check(rule, frames, Fault);

    [Theory]
    [InlineData("the first of many bytes to come", "81 FE 1000 00000000 FF 00", 9)]
    [InlineData("in mid-frame", "81 8A 00000000 616263 FF 6465666768 69", 10)]
    [InlineData("second byte of an overlong form", "81 8A 00000000 61 E0 80 6263646566 67 68", 9)]
    [InlineData("behind a character that went well", "81 8A 00000000 E282AC C3 28 6263646566", 11)]
    [InlineData("in a frame too long to stay in the pipe", "81 FF 0000000000020000 00000000 6162 FF 63", 17)]
    [InlineData("in the second fragment", "01 81 00000000 61  00 85 00000000 62 FF 636465", 15)]
    [InlineData("broken over the border of fragments", "01 81 00000000 E2  00 85 00000000 41 62636465", 14)]
    [InlineData("truncated by the end of the message, found from its header alone", "01 81 00000000 E2  80 80 00000000", 13)]
    [InlineData("masked, the key's phase odd", "81 8A 37FA213D 56 98 42 C2 00 00 00 00 00 00", 10)]
    public void Section_8_1_FailsAtTheBadByte(string rule, string frames, int byteNumber)
    {
        Conformance.CheckFailsAtByte(rule, frames, byteNumber, Fault);
        Conformance.CheckFailsAtByte(rule, frames, byteNumber, Fault, new MessageReaderSetup(StreamFragments: true));
    }
}
