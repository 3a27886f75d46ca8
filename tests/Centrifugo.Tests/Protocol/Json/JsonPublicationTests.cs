using System.Text;
using Weir.Protocol;
using Weir.Protocols.Centrifugo.Protocol.Json;
using Weir.Relay.Brokers;
using Xunit;

namespace Weir.Protocols.Centrifugo.Tests.Protocol.Json;

public sealed class JsonPublicationTests
{
    [Theory]
    [InlineData("""{"a": [1,2.50,"é"]}""", """{"data":{"a": [1,2.50,"é"]}}""")]
    [InlineData("null", """{"data":null}""")]
    [InlineData("12", """{"data":12}""")]
    [InlineData("\"x\"", """{"data":"x"}""")]
    [InlineData("{\n\t\"a\":\r\n1}", "{\"data\":{ \t\"a\":  1}}")] // a line break would end the message
    [InlineData("hello", """{"data":"hello"}""")]
    [InlineData("say \"hi\"\n", """{"data":"say \"hi\"\n"}""")]
    [InlineData("{\"a\":1} {}", """{"data":"{\"a\":1} {}"}""")]
    [InlineData("", """{"data":""}""")]
    public void Text_IsVerbatimWhereItIsJson_ElseAString(string text, string expected)
        => Assert.Equal(expected, Format(new Publication { Data = Encoding.UTF8.GetBytes(text) }));

    [Fact]
    public void Binary_IsBase64_AndMarkedSo() => Assert.Equal(
        """{"data":"AAH/","tags":{"encoding":"base64"}}""",
        Format(new Publication { Data = new byte[] { 0, 1, 255 }, Kind = MessageKind.Binary }));

    [Fact]
    public void OffsetAndInfo_AreThereWhenTheyAreKnown() => Assert.Equal(
        """{"data":1,"offset":7,"info":{"client":"c","user":"u"}}""",
        Format(new Publication { Data = "1"u8.ToArray(), Offset = 7, Info = """{"client":"c","user":"u"}"""u8.ToArray() }));

    [Fact]
    public void InfoThatIsNoJson_IsLeftOut() => Assert.Equal(
        """{"data":1}""", Format(new Publication { Data = "1"u8.ToArray(), Info = "{"u8.ToArray() }));

    [Theory]
    [InlineData(64, false)]
    [InlineData(65, true)]
    [InlineData(100_000, true)]
    public void Depth_BeyondTheLimit_CountsAsOtherText(int depth, bool isString)
    {
        string deep = new string('[', depth) + new string(']', depth);

        Assert.Equal(isString ? $$"""{"data":"{{deep}}"}""" : $$"""{"data":{{deep}}}""",
            Format(new Publication { Data = Encoding.UTF8.GetBytes(deep) }));
    }

    [Theory]
    [InlineData(new byte[] { 0x22, 0xFF, 0x22 })]
    [InlineData(new byte[] { 0x22, 0xED, 0xA0, 0x80, 0x22 })] // U+D800 as bytes
    [InlineData(new byte[] { 0x22, 0xC0, 0xAF, 0x22 })] // '/' in two bytes
    [InlineData(new byte[] { 0x78, 0xFF })]
    public void TextThatIsNotUtf8_AsAnOlderServerMayHaveKept_LeavesAsUtf8(byte[] text)
    {
        byte[] formatted = FormatBytes(new Publication { Data = text, Info = text });

        Assert.True(System.Text.Unicode.Utf8.IsValid(formatted));
        Assert.DoesNotContain("info", Encoding.UTF8.GetString(formatted), StringComparison.Ordinal);
    }

    [Fact]
    public void Info_OverSeveralLines_IsOnOne() => Assert.Equal(
        """{"data":1,"info":{ "a":  1}}""", Format(new Publication { Data = "1"u8.ToArray(), Info = "{\n\"a\":\r\n1}"u8.ToArray() }));

    private static string Format(Publication publication) => Encoding.UTF8.GetString(FormatBytes(publication));

    private static byte[] FormatBytes(Publication publication)
    {
        JsonReplyBatch batch = JsonReplyBatch.Rent();
        batch.AddPublicationPush(JsonForm.Instance.Encode("c"), publication);
        byte[] line = batch.Message.ToArray();
        batch.Return();
        return line["{\"push\":{\"channel\":\"c\",\"pub\":".Length..^2];
    }
}
