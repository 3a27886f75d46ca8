using System.Buffers;
using System.Text;
using Weir.Relay.Brokers;
using Weir.Relay.Nodes;
using Weir.Relay.Streams;
using Xunit;

namespace Weir.Relay.Tests.Streams;

public sealed class SseIdTests
{
    private static readonly AdmittedRoom[] _rooms = [new("a", default), new("b", default), new("c", default)];

    [Fact]
    public void Id_OfOneRoom_IsItsPosition_AndIsReadBack()
    {
        string id = IdOf(new SseCursor([new("e1", 5)], SseId.DigestOf(_rooms[..1]), log: null), room: 0);

        Assert.Equal("e1:5", id);
        Assert.Equal([(0, new StreamPosition("e1", 5))], SseId.TryParse(id, 1, "any")!.Positions);
    }

    [Fact]
    public void Id_OfSeveralRooms_NamesTheRoomAndAllPositions_AndIsReadBack()
    {
        StreamPosition[] positions = [new("e1", 5), default, new("e:2", 7)];
        string digest = SseId.DigestOf(_rooms);
        string id = IdOf(new SseCursor(positions, digest, log: null), room: 1);

        Assert.Equal("1;e1:5,:0,e:2:7;" + digest, id);
        Assert.Equal(positions, SseId.TryParse(id, 3, digest)!.Positions.Select(static each => each.Position));
        Assert.Equal(positions, SseId.TryParse("1;e1:5,:0,e:2:7", 3, digest)!.Positions.Select(static each => each.Position)); // of an older node
    }

    [Fact]
    public void Id_OfOtherRooms_OrInAnotherOrder_IsRefused()
    {
        string id = IdOf(new SseCursor([new("e", 1), new("e", 2), new("e", 3)], SseId.DigestOf(_rooms), log: null), room: 0);

        Assert.Null(SseId.TryParse(id, 3, SseId.DigestOf([_rooms[1], _rooms[0], _rooms[2]])));
        Assert.Null(SseId.TryParse(id, 3, SseId.DigestOf([.. _rooms[..2], new("d", default)])));
        Assert.Null(SseId.TryParse(id, 2, SseId.DigestOf(_rooms[..2])));
        Assert.Null(SseId.TryParse(id, 1, SseId.DigestOf(_rooms[..1]))?.Positions.SingleOrDefault(static each => each.Position.Epoch == "e"));
        Assert.NotNull(SseId.TryParse(id, 3, SseId.DigestOf(_rooms)));
    }

    [Fact]
    public void Digest_KeepsNamesApart()
        => Assert.NotEqual(SseId.DigestOf([new("ab", default), new("c", default)]),
            SseId.DigestOf([new("a", default), new("bc", default)]));

    [Theory]
    [InlineData("e1", 1)]
    [InlineData("e1:", 1)]
    [InlineData("e1:-1", 1)]
    [InlineData("e1:x", 1)]
    [InlineData("e1:99999999999999999999", 1)]
    [InlineData("e1:1,e1:2", 2)] // without the room
    [InlineData("0;e1:1", 2)]
    [InlineData("0;e1:1,e1:2,e1:3", 2)]
    [InlineData("0;e1:1,e1:2;other", 2)]
    [InlineData("0;e1:1,e1:2;DIGEST;", 2)]
    [InlineData("0;@x.1;DIGEST", 20)] // no handle
    [InlineData("0;@$weir:nodes:0000.1;DIGEST", 20)]
    [InlineData("0;@AAAAAAAAAAAAAAAA;DIGEST", 20)]
    [InlineData("0;@AAAAAAAAAAAAAAAA.-1;DIGEST", 20)]
    [InlineData("0;@,20=e:1;DIGEST", 20)] // there is no such room
    [InlineData("0;@,1=e;DIGEST", 20)]
    [InlineData("0;@,e:1;DIGEST", 20)]
    public void Id_OfAnotherShape_IsRefused(string id, int rooms)
        => Assert.Null(SseId.TryParse(id.Replace("DIGEST", "digest", StringComparison.Ordinal), rooms, "digest"));

    internal static string IdOf(SseCursor place, int room)
    {
        ArrayBufferWriter<byte> written = new();
        place.WriteId(written, room);
        return Encoding.UTF8.GetString(written.WrittenSpan)[4..^1];
    }
}
