using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Weir.Testing;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Brokers.Redis.Tests;

/// <summary>Another server takes over: by Sentinel, and in a Cluster.</summary>
public sealed class FailoverTests
{
    private const string Room = "room";
    private static readonly TimeSpan _long = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Sentinel_ReplicaThatHasAll_ContinuesTheSequence()
    {
        await using SentinelGroup group = await SentinelGroup.StartAsync();
        await using Node node = await Node.StartAsync(group.Configuration);
        await node.SubscribeAsync(Room);
        StreamPosition before = await node.PublishAsync(Room, "before");
        await group.HasReplicatedAsync();

        await group.Master.KillAsync();
        await node.IsDegradedAsync();
        await node.IsUpAsync(_long);
        StreamPosition after = await node.PublishAsync(Room, "after");
        await node.Sink.WaitForAsync(Room, 2);

        Assert.Equal(2, after.Offset);
        RoomHistory since = await node.ReadAsync(Room, before);
        Assert.True(since.Holds(before));
        Assert.Equal(["after"], since.Publications.Select(static publication => publication.Text()));
        Assert.Equal([BrokerHealth.Up, BrokerHealth.Degraded, BrokerHealth.Up], node.Sink.Health);
    }

    [Fact]
    public async Task Sentinel_ReplicaThatLacksTheLast_NeverGivesAnOffsetTwiceUnderOneEpoch()
    {
        await using SentinelGroup group = await SentinelGroup.StartAsync();
        await using Node node = await Node.StartAsync(group.Configuration);
        await node.SubscribeAsync(Room);
        StreamPosition kept = await node.PublishAsync(Room, "kept");
        await group.HasReplicatedAsync();

        // Its master continues for two publications and dies.
        await group.SeparateReplicaAsync();
        await Waiting.UntilAsync(async () => await group.Replica.ReadInfoAsync("master_link_status") == "down", "the replica is cut off");
        StreamPosition lost = default;
        foreach (string text in (string[])["lost 1", "lost 2"])
        {
            lost = await node.PublishAsync(Room, text);
        }

        await group.Master.KillAsync();
        await node.IsDegradedAsync();
        await node.IsUpAsync(_long);
        StreamPosition after = await node.PublishAsync(Room, "after");

        Assert.Equal(3, lost.Offset);
        Assert.Equal(2, after.Offset);
        Assert.NotEqual(lost.Epoch, after.Epoch);
        Assert.True((await node.ReadAsync(Room)).Holds(kept));
        Assert.False((await node.ReadAsync(Room)).Holds(lost));
        Assert.False((await node.ReadAsync(Room)).Holds(lost with { Offset = 2 }));
    }

    [Fact]
    public async Task Cluster_RoomsOfAllSlots_Work_AndContinueAfterAFailover()
    {
        await using RedisCluster cluster = await RedisCluster.StartAsync(replicas: 1);
        await using Node one = await Node.StartAsync(cluster.Configuration);
        await using Node two = await Node.StartAsync(cluster.Configuration);
        string[] rooms = [.. Enumerable.Range(0, 60).Select(static i => $"room {i}")];
        await Task.WhenAll(rooms.Select(two.SubscribeAsync));
        Dictionary<string, StreamPosition> before = [];
        foreach (string room in rooms)
        {
            before[room] = await one.PublishAsync(room, "before");
            await one.PublishAsync(room, "unnumbered", RoomRule.Default);
        }

        await Bounded.Eventually(() => two.Sink.Count == 120);
        Assert.All(rooms, room => Assert.Equal(["before", "unnumbered"], two.Sink.TextsOf(room)));
        await one.Broker.SendControlAsync(two.Sink.NodeId, new byte[] { (byte)'c' }, default).Within();
        await Bounded.Eventually(() => two.Sink.Controls.Count == 1);
        await one.Broker.SetPresenceAsync(rooms[0], new RoomMember("m", "", default, default), TimeSpan.FromSeconds(9), default).Within();
        Assert.Single(await two.Broker.ReadPresenceAsync(rooms[0], default).Within());

        await cluster.HaveReplicatedAsync();
        await cluster.Masters[0].KillAsync();
        await two.IsDegradedAsync();
        await two.IsUpAsync(_long);
        await one.IsUpAsync(_long);
        foreach (string room in rooms)
        {
            StreamPosition after = await one.PublishAtLastAsync(room, "after");
            Assert.Equal(2, after.Offset);
        }

        await Bounded.Eventually(() => two.Sink.Count == 180);
        foreach (string room in rooms)
        {
            RoomHistory since = await two.ReadAsync(room, before[room]);
            Assert.True(since.Holds(before[room]));
            Assert.Equal(["after"], since.Publications.Select(static publication => publication.Text()));
        }
    }

    [Fact]
    public async Task Cluster_MasterDeadWithoutReplica_IsDegradedOnEveryNode_AndTheOtherShardsContinue()
    {
        await using RedisCluster cluster = await RedisCluster.StartAsync(replicas: 0);
        foreach (RedisServer master in cluster.Masters)
        {
            await master.AskAsync("CONFIG SET cluster-require-full-coverage no");
            await master.AskAsync("CONFIG SET cluster-allow-pubsubshard-when-down yes");
        }

        await using Node withoutRooms = await Node.StartAsync(cluster.Configuration);
        await using Node node = await Node.StartAsync(cluster.Configuration);
        string[] rooms = [.. Enumerable.Range(0, 30).Select(static i => $"room {i}")];
        await Task.WhenAll(rooms.Select(node.SubscribeAsync));
        await cluster.Masters[0].KillAsync();
        await node.IsDegradedAsync();
        await withoutRooms.IsDegradedAsync();
        await Waiting.UntilAsync(
            async () => (await cluster.Masters[1].AskAsync("CLUSTER NODES")).Contains("master,fail ", StringComparison.Ordinal),
                "the cluster knows", _long);
        await Waiting.PassAsync(TimeSpan.FromSeconds(2)); // several looks

        Assert.Equal([BrokerHealth.Up, BrokerHealth.Degraded], withoutRooms.Sink.Health);
        Assert.Equal([BrokerHealth.Up, BrokerHealth.Degraded], node.Sink.Health);
        await Bounded.Eventually(() => node.MastersUp == 2 && withoutRooms.MastersUp == 2);
        await using Node late = Node.Start(cluster.Configuration);
        await Task.WhenAll(rooms.Select(room => late.SubscribeAsync(room)
            .ContinueWith(static asked => _ = asked.Exception, TaskScheduler.Default)));
        await Bounded.Eventually(() => late.MastersUp == 2);
        int served = 0;
        foreach (string room in rooms)
        {
            try
            {
                await node.PublishAsync(room, "x");
                served++;
                await late.Sink.WaitForAsync(room, 1);
                await node.Sink.WaitForAsync(room, 1);
            }
            catch (BrokerUnavailableException)
            {
                // Of the master that was killed.
            }
        }

        Assert.InRange(served, 10, rooms.Length - 1);
        Assert.Equal(BrokerHealth.Degraded, late.Broker.Health);
    }

    [Fact]
    public async Task Cluster_SlotThatMoves_TakesItsRoomAlong()
    {
        await using RedisCluster cluster = await RedisCluster.StartAsync(replicas: 0);
        await using Node node = await Node.StartAsync(cluster.Configuration);
        string[] rooms = [.. Enumerable.Range(0, 30).Select(static i => $"room {i}")];
        foreach (string room in rooms)
        {
            await node.SubscribeAsync(room);
            await node.PublishAsync(room, "before");
        }

        await cluster.MoveSlotsAsync(from: cluster.Masters[0], to: cluster.Masters[1]);
        await node.IsUpAsync(_long);
        foreach (string room in rooms)
        {
            await Waiting.UntilAsync(
                async () =>
                {
                    int received = node.Sink.TextsOf(room).Count;
                    StreamPosition position = await node.PublishAtLastAsync(room, "after");
                    return node.Sink.PublicationsOf(room).Any(each => each.Publication.Offset == position.Offset)
                        || node.Sink.TextsOf(room).Count > received;
                },
                $"{room} is subscribed to where it is now",
                _long);
        }

        Assert.All(rooms, room =>
        {
            long[] offsets = [.. node.Sink.PublicationsOf(room).Select(static each => each.Publication.Offset)];
            Assert.Equal(offsets.Order().Distinct(), offsets);
        });
    }
}
