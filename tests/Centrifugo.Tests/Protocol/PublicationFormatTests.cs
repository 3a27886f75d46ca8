using System.Text;
using Weir.Centrifugo.Protocol;
using Weir.Relay;
using Xunit;

namespace Weir.Centrifugo.Tests.Protocol;

public sealed class PublicationFormatTests
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
    public void Binary_IsBase64_AndSaysSo() => Assert.Equal(
        """{"data":"AAH/","tags":{"encoding":"base64"}}""",
        Format(new Publication { Data = new byte[] { 0, 1, 255 }, Kind = MessageKind.Binary }));

    [Fact]
    public void OffsetAndInfo_AreThereWhenTheyAreKnown() => Assert.Equal(
        """{"data":1,"offset":7,"info":{"client":"c","user":"u"}}""",
        Format(new Publication { Data = "1"u8.ToArray(), Offset = 7, Info = """{"client":"c","user":"u"}"""u8.ToArray() }));

    [Fact]
    public void InfoThatIsNoJson_IsLeftOut() => Assert.Equal(
        """{"data":1}""", Format(new Publication { Data = "1"u8.ToArray(), Info = "{"u8.ToArray() }));

    private static string Format(Publication publication)
    {
        ReplyBatch batch = ReplyBatch.Rent();
        batch.BeginLine().WritePropertyName("x"u8);
        PublicationFormat.Write(batch.Json, publication);
        batch.EndLine();
        string line = Encoding.UTF8.GetString(batch.Lines.Span);
        batch.Return();
        return line["{\"x\":".Length..^1];
    }
}
