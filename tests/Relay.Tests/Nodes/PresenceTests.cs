using Weir.Relay.Brokers;
using Weir.Relay.Nodes;
using Weir.TestSupport;
using Xunit;

namespace Weir.Relay.Tests.Nodes;

public sealed class PresenceTests
{
    private static readonly RoomRule _rule = new() { Presence = true };

    [Fact]
    public async Task Members_ArePresentFromJoinToLeave_AndRefreshedInBetween()
    {
        ScriptedBroker broker = new();
        RelayOptions options = new() { Rules = new RoomRules(_rule), PresenceLifetime = TimeSpan.FromSeconds(30) };
        await using RelayWorld world = await RelayWorld.StartAsync(broker, options);
        Member member = await world.JoinAsync("a");
        string set = $"present a {world.Node.ClientIdOf(member.Connection)} 30";
        await broker.HasCalledAsync(set);

        world.RunMaintenance(30);
        int times = broker.Calls.Count(call => call == set);
        member.Leave();
        await broker.HasCalledAsync($"absent a {world.Node.ClientIdOf(member.Connection)}");
        world.RunMaintenance(60);

        Assert.Equal(1 + 3, times); // every third of its life
        Assert.Equal(times, broker.Calls.Count(call => call == set));
    }

    [Fact]
    public async Task RoomsWithoutPresence_AnnounceNothing()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker);
        Member member = await world.JoinAsync("a");
        member.Leave();
        world.RunMaintenance(60);

        Assert.DoesNotContain(broker.Calls, static call => call.StartsWith("present a", StringComparison.Ordinal)
            || call.StartsWith("absent", StringComparison.Ordinal));
    }

    [Fact]
    public async Task JoinsAndLeaves_ReachTheAudiences_InTheOrderOfTheRoom()
    {
        await using RelayWorld world = await RelayWorld.StartAsync(new MemoryBroker(), _rule);
        Listener listener = await PublishTests.SubscribeAsync(world, "a");
        Member ann = await world.JoinAsync("a");
        await ann.SendAsync("x");
        ann.Leave();

        string client = world.Node.ClientIdOf(ann.Connection);
        await listener.ReceivesAsync("not recovered :0", "+" + client, "0:x", "-" + client);
    }

    [Fact]
    public async Task NodesShowThemselves()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker);
        world.RunMaintenance(5);

        await broker.HasCalledAsync($"present $weir:nodes {world.Node.NodeId} 15", 2);
    }
}
