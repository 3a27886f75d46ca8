using Weir.Brokers.Kafka.Log;
using Weir.Brokers.Kafka.Wire;
using Weir.Protocol;
using Weir.Relay.Brokers;
using Weir.Relay.Wire;
using Xunit;
using KafkaRecord = Weir.Brokers.Kafka.Wire.Record;

namespace Weir.Brokers.Kafka.Tests;

/// <summary>The bytes of records, which nodes of several versions read, and the partitions that they are in.</summary>
public sealed class WireTests
{
    private static readonly RoomMember _member = new("client", "user", "{}"u8.ToArray(), "[1]"u8.ToArray());

    [Fact]
    public void Publication_WithAllFields_IsReadAsItWas()
    {
        Publication publication = new()
        {
            Data = new byte[] { 0, 255 },
            Kind = MessageKind.Binary,
            Key = "EUR/USD",
            Info = "{}"u8.ToArray(),
            Node = "node",
            NodeSequence = long.MaxValue,
            Message = 7,
        };

        byte[] bytes = KafkaRecord.OfPublication(publication);

        Assert.Equal([KafkaRecord.Version, (byte)RecordKind.Publication], bytes[..2]);
        Assert.True(PublicationBody.TryRead(bytes.AsMemory(2), 0, out Publication? read));
        Assert.Equal(
            (publication.Kind, publication.Key, publication.Node, publication.NodeSequence, publication.Message),
            (read.Kind, read.Key, read.Node, read.NodeSequence, read.Message));
        Assert.Equal(publication.Data.Span, read.Data.Span);
        Assert.Equal(publication.Info.Span, read.Info.Span);
    }

    [Fact]
    public void Publication_ThatIsCutOff_IsNotRead()
    {
        byte[] bytes = KafkaRecord.OfPublication(new Publication { Data = default, Key = "key", Node = "node", Info = "{}"u8.ToArray() });

        for (int length = 2; length < bytes.Length; length++)
        {
            Assert.False(PublicationBody.TryRead(bytes.AsMemory(2, length - 2), 0, out _), $"{length} bytes");
        }
    }

    [Fact]
    public void Publication_WithAnUnknownFlag_IsNotRead() => Assert.False(PublicationBody.TryRead(new byte[] { 1, 0x20 }, 0, out _));

    [Fact]
    public void Field_LongerThanTheRecord_IsNotRead()
    {
        Assert.False(KafkaRecord.TryReadAbsent(new byte[] { 255, 255, 255, 127, 1 }, out _, out _));
        Assert.False(KafkaRecord.TryReadAbsent(new byte[] { 255, 255, 255, 255, 1 }, out _, out _));
    }

    [Fact]
    public void Present_IsReadAsItWas()
    {
        byte[] bytes = KafkaRecord.OfPresent(RecordKind.StillPresent, "room", _member, TimeSpan.FromSeconds(60));

        Assert.True(KafkaRecord.TryReadPresent(bytes.AsMemory(2), out string room, out RoomMember? member, out TimeSpan lifetime));
        Assert.Equal(("room", "client", "user", TimeSpan.FromMinutes(1)), (room, member!.Client, member.User, lifetime));
        Assert.Equal(_member.ConnectionInfo.Span, member.ConnectionInfo.Span);
        Assert.Equal(_member.RoomInfo.Span, member.RoomInfo.Span);
    }

    [Fact]
    public void Present_WithALifetimeOutOfRange_IsNotRead()
    {
        byte[] bytes = KafkaRecord.OfPresent(RecordKind.Present, "room", _member, TimeSpan.FromSeconds(60));
        bytes.AsSpan(2, 8).Fill(0xff);

        Assert.False(KafkaRecord.TryReadPresent(bytes.AsMemory(2), out _, out _, out _));
    }

    // Nodes of all versions must agree, also after a restart: the values are fixed.
    [Theory]
    [InlineData("", 12, 8)]
    [InlineData("room", 12, 4)]
    [InlineData("chat:1", 12, 7)]
    [InlineData("chat:2", 12, 6)]
    [InlineData("Zürich", 12, 4)]
    public void Partition_OfARoom_IsTheSameForEver(string room, int partitions, int expected)
        => Assert.Equal(expected, Partitioning.Of(room, partitions));

    [Fact]
    public void Partitions_OfManyRooms_AreUsedEvenly()
    {
        int[] counts = new int[16];
        for (int i = 0; i < 16_000; i++)
        {
            counts[Partitioning.Of($"chat:{i}", counts.Length)]++;
        }

        Assert.All(counts, static count => Assert.InRange(count, 800, 1200));
    }

    [Fact]
    public void Room_IsFoundByTheBytesOfItsName_AndByNoOthers()
    {
        SubscribedRooms rooms = new();
        rooms.Add("Zürich 東京", 0);

        Assert.Equal("Zürich 東京", rooms.Find("Zürich 東京"u8)?.Name);
        Assert.Null(rooms.Find("Zürich 東"u8));
        Assert.Null(rooms.Find("Zürich 東京 "u8));
        Assert.Null(rooms.Find([0xff, 0xfe]));
    }
}
