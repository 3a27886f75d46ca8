using System.Text;
using Weir.Relay.Sse;
using Weir.Relay.Tests.Brokers;
using Xunit;

namespace Weir.Relay.Tests.Sse;

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
    [InlineData("id: 7\nevent: x\n\n", "data: id: 7\ndata: event: x\ndata: \ndata: \n\n")] // nothing gets out of its field
    public void Body_OfText_IsCutIntoLines(string text, string expected)
        => Assert.Equal(expected, Encoding.UTF8.GetString(SseFormat.Body(text.ToPublication())));

    [Fact]
    public void Body_OfBinary_IsAnEventInBase64()
        => Assert.Equal(
            "event: binary\ndata: AAH/\n\n",
            Encoding.UTF8.GetString(SseFormat.Body(new Publication { Data = new byte[] { 0, 1, 255 }, Kind = MessageKind.Binary })));

    [Fact]
    public void Id_OfOneRoomAndOfSeveral_IsReadBack()
    {
        StreamPosition[] positions = [new("e1", 5), default, new("e:2", 7)];
        string one = Encoding.UTF8.GetString(SseFormat.Id(positions[0]));
        string several = Encoding.UTF8.GetString(SseFormat.Id(1, positions));
        StreamPosition?[] single = new StreamPosition?[1];
        StreamPosition?[] all = new StreamPosition?[3];

        Assert.Equal(("id: e1:5\n", "id: 1;e1:5,:0,e:2:7\n"), (one, several));
        Assert.True(SseFormat.TryParseId(one[4..^1], single));
        Assert.True(SseFormat.TryParseId(several[4..^1], all));
        Assert.Equal([positions[0]], single);
        Assert.Equal([positions[0], null, positions[2]], all);
    }

    [Theory]
    [InlineData("e1", 1)]
    [InlineData("e1:", 1)]
    [InlineData("e1:-1", 1)]
    [InlineData("e1:x", 1)]
    [InlineData("e1:99999999999999999999", 1)]
    [InlineData("e1:1,e1:2", 1)]
    [InlineData("e1:1,e1:2", 2)] // without the room
    [InlineData("0;e1:1", 2)]
    [InlineData("0;e1:1,e1:2,e1:3", 2)]
    public void Id_OfAnotherShape_IsRefused(string id, int rooms) => Assert.False(SseFormat.TryParseId(id, new StreamPosition?[rooms]));
}
