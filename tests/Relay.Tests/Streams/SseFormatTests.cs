using System.Text;
using Weir.Brokers.Testing;
using Weir.Protocol;
using Weir.Relay.Brokers;
using Weir.Relay.Streams;
using Xunit;

namespace Weir.Relay.Tests.Streams;

public sealed class SseFormatTests
{
    [Theory]
    [InlineData("", "data: \n\n")]
    [InlineData("a", "data: a\n\n")]
    [InlineData(" a", "data:  a\n\n")] // one space is the field's
    [InlineData("a\nb", "data: a\ndata: b\n\n")]
    [InlineData("a\r\nb\rc", "data: a\ndata: b\ndata: c\n\n")]
    [InlineData("\n", "data: \ndata: \n\n")]
    [InlineData("\n\r", "data: \ndata: \ndata: \n\n")]
    [InlineData("id: 7\nevent: x\n\n", "data: id: 7\ndata: event: x\ndata: \ndata: \n\n")] // no text leaves its field
    public void Body_OfText_IsSplitIntoLines(string text, string expected)
        => Assert.Equal(expected, Encoding.UTF8.GetString(SseFormat.Body(text.ToPublication())));

    [Fact]
    public void Body_OfBinary_IsAnEventInBase64()
        => Assert.Equal(
            "event: binary\ndata: AAH/\n\n",
            Encoding.UTF8.GetString(SseFormat.Body(new Publication { Data = new byte[] { 0, 1, 255 }, Kind = MessageKind.Binary })));

    [Fact]
    public void Later_IsACommentATimeAndNoEvent()
        => Assert.Equal(": too many\nretry: 1500\n\n", Encoding.UTF8.GetString(SseFormat.Later("too many", TimeSpan.FromSeconds(1.5))));
}
