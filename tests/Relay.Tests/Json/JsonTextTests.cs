using System.Text;
using Weir.Relay.Json;
using Xunit;

namespace Weir.Relay.Tests.Json;

public sealed class JsonTextTests
{
    [Theory]
    [InlineData("""{"a" : [1, 2.50, "}{"]}""", true)]
    [InlineData("null", true)]
    [InlineData(" 1e999999 ", true)]
    [InlineData("123456789012345678901234567890", true)]
    [InlineData("""{"a":1,"a":2}""", true)]
    [InlineData("\"\\ud800\"", true)] // a half surrogate pair is for the reader to interpret (RFC 8259 section 8.2)
    [InlineData("", false)]
    [InlineData("{} {}", false)]
    [InlineData("[1,]", false)]
    [InlineData("NaN", false)]
    [InlineData("01", false)]
    [InlineData("/* */1", false)]
    [InlineData("\uFEFF{}", false)]
    [InlineData("\"\n\"", false)]
    public void IsValid_FollowsTheGrammar(string text, bool expected)
        => Assert.Equal(expected, JsonText.IsValid(Encoding.UTF8.GetBytes(text)));

    [Theory]
    [InlineData(new byte[] { 0xFF })]
    [InlineData(new byte[] { 0xFE })]
    [InlineData(new byte[] { 0x80 })]
    [InlineData(new byte[] { 0xC3 })] // truncated
    [InlineData(new byte[] { 0xED, 0xA0, 0x80 })] // U+D800 as bytes
    [InlineData(new byte[] { 0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x80 })] // a pair of them, CESU-8
    [InlineData(new byte[] { 0xC0, 0xAF })] // '/' in two bytes
    [InlineData(new byte[] { 0xE0, 0x80, 0xAF })] // in three
    [InlineData(new byte[] { 0xF4, 0x90, 0x80, 0x80 })] // beyond U+10FFFF
    public void IsValid_OfBytesThatAreNotUtf8_IsFalse(byte[] inString)
    {
        Assert.False(JsonText.IsValid([(byte)'"', .. inString, (byte)'"']));
        Assert.False(JsonText.IsValid([.. "{\"a\":{\""u8, .. inString, .. "\":1}}"u8]));
    }

    [Theory]
    [InlineData('[', ']', JsonText.MaxDepth, true)]
    [InlineData('[', ']', JsonText.MaxDepth + 1, false)]
    [InlineData('[', ']', 1_000_000, false)]
    public void IsValid_HoldsTheDepth(char open, char close, int depth, bool expected)
        => Assert.Equal(expected, JsonText.IsValid(Encoding.UTF8.GetBytes(new string(open, depth) + new string(close, depth))));
}
