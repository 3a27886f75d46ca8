using Weir.Brokers.Postgres.Wire;
using Weir.Protocol;
using Weir.Relay.Brokers;
using Weir.Relay.Wire;
using Xunit;

namespace Weir.Brokers.Postgres.Tests.Wire;

/// <summary>The bytes of publications, members and control messages.</summary>
public sealed class BodyTests
{
    private static readonly Publication _full = new()
    {
        Data = new byte[] { 1, 2, 3 },
        Kind = MessageKind.Binary,
        Key = "é",
        Info = new byte[] { 4 },
        Node = "node",
        NodeSequence = long.MaxValue,
        Message = -1,
    };

    [Fact]
    public void Publication_WithAllFields_IsReadAsWritten()
    {
        Assert.True(PublicationBody.TryRead(PublicationBody.Encode(_full), 7, out Publication? read));

        Assert.Equal(
            (7L, MessageKind.Binary, "é", "node", long.MaxValue, -1L),
            (read.Offset, read.Kind, read.Key, read.Node, read.NodeSequence, read.Message));
        Assert.Equal(new byte[] { 1, 2, 3 }, read.Data.ToArray());
        Assert.Equal(new byte[] { 4 }, read.Info.ToArray());
    }

    [Fact]
    public void Publication_WithoutAny_IsThreeBytesWithItsKind()
    {
        byte[] body = PublicationBody.Encode(new Publication { Data = default }, [(byte)AnnouncementKind.Publication]);

        Assert.Equal([0x01, 0x01, 0x00], body); // kind, version, flags
    }

    [Fact]
    public void Publication_CutAtAnyByteBeforeItsData_IsRefused()
    {
        byte[] body = PublicationBody.Encode(_full);
        for (int length = 0; length < body.Length - _full.Data.Length; length++)
        {
            Assert.False(PublicationBody.TryRead(body.AsMemory(0, length), 1, out _), $"{length} bytes");
        }
    }

    [Theory]
    [InlineData(new byte[] { 2, 0 })] // another version
    [InlineData(new byte[] { 1, 32 })] // an unknown flag
    [InlineData(new byte[] { 1, 8, 0xFF, 0xFF, 0xFF, 0x7F })] // a key longer than the body
    [InlineData(new byte[] { 1, 8, 0xFF, 0xFF, 0xFF, 0xFF })] // of a negative length
    public void Publication_ThatIsNotValid_IsRefused(byte[] body) => Assert.False(PublicationBody.TryRead(body, 1, out _));

    [Fact]
    public void Member_IsReadAsWritten_AndRefusedIfCut()
    {
        RoomMember member = new("client", "user", new byte[] { 1 }, default);
        byte[] body = MemberBody.Encode(member);

        Assert.True(MemberBody.TryRead(body, out RoomMember? read));
        Assert.Equal(("client", "user", 1, 0), (read.Client, read.User, read.ConnectionInfo.Length, read.RoomInfo.Length));
        for (int length = 0; length < body.Length; length++)
        {
            Assert.False(MemberBody.TryRead(body.AsMemory(0, length), out _), $"{length} bytes");
        }
    }

    [Theory]
    [InlineData(null, "other", true)]
    [InlineData(null, "sender", false)] // for all others
    [InlineData("receiver", "receiver", true)]
    [InlineData("receiver", "other", false)]
    [InlineData("sender", "sender", true)]
    public void Control_IsForItsReceiver_OrForAllOthers(string? receiver, string node, bool expected)
    {
        byte[] body = ControlBody.Encode("sender", receiver, new byte[] { 9 });

        bool isFor = ControlBody.IsFor(node, body.AsMemory(1), out ReadOnlyMemory<byte> message, out bool isValid);

        Assert.Equal((expected, true), (isFor, isValid));
        Assert.Equal(new byte[] { 9 }, message.ToArray());
        Assert.False(ControlBody.IsFor(node, body.AsMemory(1, 5), out _, out bool isCutValid) || isCutValid);
    }
}
