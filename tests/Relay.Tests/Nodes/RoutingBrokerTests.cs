using Weir.Relay.Brokers;
using Weir.Relay.Nodes;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Relay.Tests.Nodes;

/// <summary>The rooms of a node are divided among two brokers.</summary>
public sealed class RoutingBrokerTests : IAsyncDisposable
{
    private static readonly RoomRules _rules = new(
        new RoomRule { Pattern = "plain:*", Broker = "fast" },
        new RoomRule { Pattern = "*", HistorySize = 100 });

    private readonly ScriptedBroker _main = new();
    private readonly ScriptedBroker _fast = new();
    private RelayWorld? _world;

    public ValueTask DisposeAsync() => _world?.DisposeAsync() ?? default;

    [Fact]
    public async Task Room_IsOnTheBrokerOfItsRule()
    {
        RelayWorld world = await StartAsync();
        Member plain = await world.JoinAsync("plain:1");
        Member kept = await world.JoinAsync("kept:1");

        await world.PublishAsync("plain:1", "a");
        StreamPosition position = await world.PublishAsync("kept:1", "b");

        await plain.ReceivesAsync("a");
        await kept.ReceivesAsync("b");
        Assert.Equal(1, position.Offset);
        Assert.Contains("subscribe plain:1", _fast.Calls);
        Assert.Contains("subscribe kept:1", _main.Calls);
        Assert.DoesNotContain(_main.Calls, static call => call.Contains("plain:", StringComparison.Ordinal));
        Assert.DoesNotContain(_fast.Calls, static call => call.Contains("kept:", StringComparison.Ordinal));
    }

    [Fact]
    public async Task RoomsOfTheNodes_AreOnTheMainBroker_WhateverTheRules()
    {
        RelayWorld world = await StartAsync(new RoomRules(new RoomRule { Pattern = "*", Broker = "fast" }));

        await world.Node.DisconnectAsync(new("ann", "", Protocol.CloseCode.PolicyViolation, "spam")).Within();

        Assert.Single(_main.Controls);
        Assert.Empty(_fast.Controls);
        Assert.Single(_main.Read(DisconnectLog.Room, new HistoryQuery(null, -1)).Publications);
        Assert.Contains(_main.Calls, static call => call.StartsWith("present $weir:nodes", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Outage_OfOneBroker_HasNoEffectOnTheRoomsOfTheOther()
    {
        RelayWorld world = await StartAsync();
        Listener kept = await PublishTests.SubscribeAsync(world, "kept:1");
        Member plain = await world.JoinAsync("plain:1");
        Member other = await world.JoinAsync("plain:1");
        _fast.OnPublish = static (_, _) => throw new BrokerUnavailableException("down", isUnknown: false);
        _fast.SetHealth(BrokerHealth.Degraded);
        Assert.Equal(BrokerHealth.Degraded, world.Node.Health);

        await world.PublishAsync("kept:1", "a");
        await plain.SendAsync("b");

        await kept.ReceivesAsync("not recovered e1:0", "1:a");
        await other.ReceivesAsync("b"); // within the node
        Assert.Single(_main.Calls, "read kept:1"); // at the subscription
    }

    [Fact]
    public async Task BrokerAvailableAgain_WhileTheOtherIsNot_ChecksItsRoomsAtOnce()
    {
        RelayWorld world = await StartAsync();
        Listener kept = await PublishTests.SubscribeAsync(world, "kept:1");
        _fast.SetHealth(BrokerHealth.Degraded);
        _main.SetHealth(BrokerHealth.Degraded);
        _main.Announces = false;
        _main.Take("kept:1", "missed");
        _main.Announces = true;

        _main.SetHealth(BrokerHealth.Up);

        await kept.ReceivesAsync("not recovered e1:0", "1:missed");
        Assert.Equal(BrokerHealth.Degraded, world.Node.Health);
        _fast.SetHealth(BrokerHealth.Refusing);
        Assert.Equal(BrokerHealth.Refusing, world.Node.Health);
        _fast.SetHealth(BrokerHealth.Up);
        Assert.Equal(BrokerHealth.Up, world.Node.Health);
    }

    [Fact]
    public async Task Announcement_OfTheBrokerThatIsNotTheRooms_IsDropped()
    {
        RelayWorld world = await StartAsync();
        Member kept = await world.JoinAsync("kept:1");

        _fast.Take("kept:1", "of a node with other rules", keep: false);
        await world.PublishAsync("kept:1", "a");

        await kept.ReceivesAsync("a");
    }

    [Theory]
    [InlineData("slow", 0, "slow")]
    [InlineData("forgetful", 5, "HistorySize")]
    public void Rules_ThatCannotBeHonoured_AreRefused(string broker, int history, string named)
    {
        RoomRules rules = new(new RoomRule { Pattern = "news:*", Broker = broker, HistorySize = history });

        ArgumentException error = Assert.Throws<ArgumentException>(() => new RoutingBroker(
            _main, new Dictionary<string, IBroker> { ["forgetful"] = new ScriptedBroker { KeepsHistory = false } }, rules));

        Assert.Contains("news:*", error.Message, StringComparison.Ordinal);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void BrokerOfASingleNode_BesideOneBetweenNodes_IsRefused()
        => Assert.Throws<ArgumentException>(() => new RoutingBroker(
            _main, new Dictionary<string, IBroker> { ["memory"] = new MemoryBroker() }, new RoomRules()));

    private async Task<RelayWorld> StartAsync(RoomRules? rules = null)
    {
        rules ??= _rules;
        RoutingBroker broker = new(_main, new Dictionary<string, IBroker> { ["fast"] = _fast }, rules);
        _world = await RelayWorld.StartAsync(broker, new RelayOptions { Rules = rules });
        _main.SetHealth(BrokerHealth.Up);
        _fast.SetHealth(BrokerHealth.Up);
        return _world;
    }
}
