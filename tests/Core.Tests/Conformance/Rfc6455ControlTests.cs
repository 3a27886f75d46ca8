using Weir.Testing;
using Weir.TestSupport.MessageReading;
using Xunit;

namespace Weir.Core.Tests.Conformance;

/// <summary>RFC 6455 sections 5.5.1 to 5.5.3 and 7: Ping, Pong and Close.</summary>
public class Rfc6455ControlTests
{
    [Theory]
    [InlineData("empty ping", "89 80 00000000", "ping ")]
    [InlineData("ping need not be text", "89 82 00000000 FF00", "ping FF00")]
    [InlineData("masked ping", "89 85 37FA213D 7F9F4D5158", "ping 48656C6C6F")]
    [InlineData("each ping is reported", "89 81 00000000 01  89 81 00000000 02", "ping 01 | ping 02")]
    [InlineData("unsolicited pong", "8A 81 00000000 01", "pong 01")]
    public void Section_5_5_2_And_3_PingAndPong(string rule, string frames, string expected) =>
        Conformance.Check(rule, frames, expected);

    [Theory]
    [InlineData(0x9, "ping")]
    [InlineData(0xA, "pong")]
    public void Section_5_5_ControlPayloadOf125Bytes(int opcode, string name)
    {
        byte[] payload = [.. Enumerable.Range(100, 125).Select(i => (byte)i)];
        byte[] stream = [.. Frames.Client(opcode, payload), .. Frames.Text("x")];
        Conformance.Check(
            name, stream, $"{name} {Convert.ToHexString(payload)} | text \"x\"", MessageReaderDelivery.EveryWay(stream.Length));
    }

    [Theory]
    [InlineData("no payload: 1005 stands for it (7.1.5)", "88 80 00000000", "close 1005 \"\"")]
    [InlineData("code without reason", "88 82 00000000 03E8", "close 1000 \"\"")]
    [InlineData("code and reason", "88 85 00000000 03E9 627965", "close 1001 \"bye\"")]
    [InlineData("reason in UTF-8", "88 85 00000000 03E8 E282AC", "close 1000 \"€\"")]
    [InlineData("masked", "88 82 37FA213D 3412", "close 1000 \"\"")]
    [InlineData("nothing counts behind it (5.5.1)", "88 82 00000000 03E8  81 81 00000000 41  83 00", "close 1000 \"\"")]
    [InlineData("messages before it do", "81 81 00000000 41  88 80 00000000", "text \"A\" | close 1005 \"\"")]
    public void Section_5_5_1_Close(string rule, string frames, string expected) =>
        Conformance.Check(rule, frames, expected);

    [Fact]
    public void Section_5_5_1_ReasonOf123Bytes()
    {
        string reason = new('r', 123);
        byte[] stream = Frames.Close(4000, reason);
        Conformance.Check("longest reason", stream, $"close 4000 \"{reason}\"", MessageReaderDelivery.EveryWay(stream.Length));
    }

    [Theory]
    [InlineData("one byte", "88 81 00000000 03", "fault 1002 (RFC 6455 5.5.1)")]
    [InlineData("reason not UTF-8", "88 83 00000000 03E8 FF", "fault 1007 (RFC 6455 5.5.1)")]
    [InlineData("reason cut in mid-character", "88 84 00000000 03E8 E282", "fault 1007 (RFC 6455 5.5.1)")]
    [InlineData("reason with a surrogate", "88 85 00000000 03E8 EDA080", "fault 1007 (RFC 6455 5.5.1)")]
    [InlineData("code 0", "88 82 00000000 0000", "fault 1002 (RFC 6455 7.4.2)")]
    public void Section_5_5_1_BadClosePayload(string rule, string frames, string expected) =>
        Conformance.Check(rule, frames, expected);

    [Theory]
    [InlineData(1000)]
    [InlineData(1001)]
    [InlineData(1002)]
    [InlineData(1003)]
    [InlineData(1007)]
    [InlineData(1008)]
    [InlineData(1009)]
    [InlineData(1010)]
    [InlineData(1011)]
    [InlineData(1012)]
    [InlineData(1013)]
    [InlineData(1014)]
    [InlineData(3000)]
    [InlineData(3999)]
    [InlineData(4000)]
    [InlineData(4999)]
    public void Section_7_4_CodeThatMayBeSent(int code) =>
        Conformance.Check($"code {code}", $"88 82 00000000 {code:X4}", $"close {code} \"\"");

    [Theory]
    [InlineData(1, "7.4.2")]
    [InlineData(999, "7.4.2")]
    [InlineData(1004, "7.4")]
    [InlineData(1005, "7.4.1")]
    [InlineData(1006, "7.4.1")]
    [InlineData(1015, "7.4.1")]
    [InlineData(1016, "7.4")]
    [InlineData(1100, "7.4")]
    [InlineData(2000, "7.4")]
    [InlineData(2999, "7.4")]
    [InlineData(5000, "7.4.2")]
    [InlineData(65535, "7.4.2")]
    public void Section_7_4_CodeThatMustNotBeSent(int code, string section) =>
        Conformance.Check($"code {code}", $"88 82 00000000 {code:X4}", $"fault 1002 (RFC 6455 {section})");
}
