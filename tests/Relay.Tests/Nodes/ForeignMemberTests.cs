using Weir.Relay.Brokers;
using Weir.Relay.Rooms;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Relay.Tests.Nodes;

/// <summary>A member of a room need not be a WebSocket connection.</summary>
public sealed class ForeignMemberTests
{
    private static readonly RoomRule _kept = new() { HistorySize = 10 };

    [Theory]
    [InlineData(true, 0)]
    [InlineData(true, 10)]
    [InlineData(false, 0)]
    [InlineData(false, 10)]
    public async Task RawMember_ReceivesPublishesIsLeftOutAndLeaves(bool isSingleNode, int historySize)
    {
        await using RelayWorld world = await RelayWorld.StartAsync(
            new ScriptedBroker { IsSingleNode = isSingleNode }, new RoomRule { HistorySize = historySize });
        ForeignMember foreign = new(world.Node);
        LocalRoom room = (await world.Node.JoinAsync("a", foreign).Within())!;
        Member socket = await world.JoinAsync("a");

        await socket.SendAsync("1");
        await foreign.ReceivesAsync("1");
        await foreign.SendAsync(room, "2");
        await socket.ReceivesAsync("2");
        await socket.SendAsync("3");
        await foreign.ReceivesAsync("1", "3");
        world.Node.Leave(room, foreign);
        Member last = await world.JoinAsync("a");
        await socket.SendAsync("4");

        await last.ReceivesAsync("4");
        Assert.Equal(["1", "3"], foreign.Received);
        Assert.Equal(2, room.Listeners);
    }

    [Fact]
    public async Task RawMember_ThatHasEnded_CannotJoin()
    {
        await using RelayWorld world = await RelayWorld.StartAsync(new ScriptedBroker());
        ForeignMember foreign = new(world.Node);
        foreign.Memberships.Close();

        Assert.Null(await world.Node.JoinAsync("a", foreign).Within());
    }

    [Fact]
    public async Task RawMember_IsPresentUnderItsId()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker, new RoomRule { Presence = true });
        ForeignMember foreign = new(world.Node);

        LocalRoom room = (await world.Node.JoinAsync("a", foreign).Within())!;
        world.Node.Leave(room, foreign);

        string client = $"{world.Node.NodeId}-{foreign.Id}";
        Assert.Contains(broker.Calls, call => call.StartsWith($"present a {client} ", StringComparison.Ordinal));
        Assert.Contains($"absent a {client}", broker.Calls);
    }

    [Fact]
    public async Task Message_NotStoredWhereDurable_ClosesItsPublisherOnly()
    {
        ScriptedBroker broker = new()
        {
            OnPublish = static (_, _) => ValueTask.FromException<StreamPosition>(
                new BrokerUnavailableException("The test says so.", isUnknown: false)),
        };
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept with { Durable = true });
        ForeignMember publisher = new(world.Node);
        ForeignMember other = new(world.Node);
        LocalRoom room = (await world.Node.JoinAsync("a", publisher).Within())!;
        await world.Node.JoinAsync("a", other).Within();

        await publisher.SendAsync(room, "x");

        await publisher.ReceivesAsync("close 1013 not stored");
        Assert.Empty(other.Received);
    }

    [Fact]
    public async Task Subscriber_IsLeftOutOfItsOwnPublication_AndRecoversWhatItMissed()
    {
        ForeignAudience protocol = new();
        await using RelayWorld world = await RelayWorld.StartAsync(new ScriptedBroker(), _kept);
        ForeignMember one = new(world.Node);
        ForeignMember two = new(world.Node);
        LocalRoom room = await world.Node.SubscribeAsync("a", protocol, one, from: null, default).Within();
        await world.Node.SubscribeAsync("a", protocol, two, from: null, default).Within();

        await world.Node.PublishAsync("a", new Publication { Data = "1"u8.ToArray() }, except: one).Within();
        await two.ReceivesAsync("not recovered e1:0", "1");
        one.Audience!.Remove(one);
        world.Node.Unsubscribe(room);
        await world.PublishAsync("a", "2");
        await world.PublishAsync("a", "3");
        await two.ReceivesAsync("not recovered e1:0", "1", "2", "3");
        ForeignMember again = new(world.Node);
        await world.Node.SubscribeAsync("a", protocol, again, new StreamPosition("e1", 1), default).Within();
        await world.PublishAsync("a", "4");

        await again.ReceivesAsync("recovered e1:3", "2", "3", "4");
        Assert.Equal(["not recovered e1:0"], one.Received);
    }
}
