using Weir.TestSupport.MessageReading;
using Xunit;

namespace Weir.Core.Tests.Conformance;

/// <summary>RFC 6455 7.1.7 lets a server fail the connection at once: it does, with the byte that proves the fault.</summary>
public class FailFastTests
{
    [Theory]
    [InlineData("unmasked: two bytes tell", "81 05 48656C6C6F", 2, "fault 1002 (RFC 6455 5.1)")]
    [InlineData("unmasked 64-bit length: its header", "82 7F 0000000000010000 00", 10, "fault 1002 (RFC 6455 5.1)")]
    [InlineData("reserved opcode: its header", "83 85 00000000 00", 6, "fault 1002 (RFC 6455 5.2)")]
    [InlineData("reserved bit: its header", "A1 85 00000000 00", 6, "fault 1002 (RFC 6455 5.2)")]
    [InlineData("length not minimal: its header", "82 FE 0001 00000000 00", 8, "fault 1002 (RFC 6455 5.2)")]
    [InlineData("high bit: its header", "82 FF 8000000000000000 00000000 00", 14, "fault 1002 (RFC 6455 5.2)")]
    [InlineData("control frame too long: its header", "89 FE 00FF 00000000 00", 8, "fault 1002 (RFC 6455 5.5)")]
    [InlineData("continuation of nothing: its header", "80 85 00000000 00", 6, "fault 1002 (RFC 6455 5.4)")]
    [InlineData("text inside text: its header", "01 81 00000000 41  01 85 00000000 00", 13, "fault 1002 (RFC 6455 5.4)")]
    [InlineData("too big: its header", "82 FF 0000000001000000 00000000 00", 14, "fault 1009")]
    [InlineData(
        "too big by its second fragment: that one's header",
        "02 81 00000000 00  80 FF 0000000000100000 00000000 00", 21, "fault 1009")]
    public void HeaderThatProvesTheFault(string rule, string frames, int byteNumber, string expected) =>
        Conformance.CheckFailsAtByte(rule, frames, byteNumber, expected);

    [Theory]
    [InlineData("reserved block type", "C2 FE 1000 00000000 07 00", 9, "fault 1007 (RFC 7692 7.2.2)")]
    [InlineData("stored length without its complement", "C2 FE 1000 00000000 00 0500 0000 48", 13, "fault 1007 (RFC 7692 7.2.2)")]
    [InlineData("text not UTF-8, in a stored block", "C1 FE 1000 00000000 00 0500 FAFF 41 FF 42", 15, "fault 1007 (RFC 6455 8.1)")]
    public void ByteThatProvesTheCompressedDataBad(string rule, string frames, int byteNumber, string expected) =>
        Conformance.CheckFailsAtByte(rule, frames, byteNumber, expected, new MessageReaderSetup(Deflate: MessageReaderSetup.Takeover));
}
