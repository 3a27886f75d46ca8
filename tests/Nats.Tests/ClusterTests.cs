using System.Collections.Concurrent;
using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Weir.Testing;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Brokers.Nats.Tests;

/// <summary>A cluster of three servers, of which one or more are killed, stopped, or announce that they stop.</summary>
public sealed class ClusterTests
{
    private const string Room = "room";

    // Elections take seconds, on a busy machine many.
    private static readonly TimeSpan _elected = TimeSpan.FromMinutes(2);
    private static readonly RoomRule _kept = new() { HistorySize = 1_000_000, HistoryTtl = TimeSpan.FromMinutes(5), Durable = true };

    [Fact]
    public async Task Servers_KilledOneAfterAnother_LoseNothingConfirmed_RepeatNothing_AndKeepTheEpoch()
    {
        await using NatsCluster cluster = await NatsCluster.StartAsync();
        await using Node one = await StartAsync(cluster, 0);
        await using Node two = await StartAsync(cluster, 1);
        await one.SubscribeAsync(Room);
        await two.SubscribeAsync(Room);
        ConcurrentDictionary<string, StreamPosition> confirmed = [];
        using CancellationTokenSource enough = new();
        Task[] publishing = [.. ((Node[])[one, two]).Select(node => Task.Run(async () =>
        {
            for (int i = 0; !enough.IsCancellationRequested; i++)
            {
                string text = $"{node.Sink.NodeId}:{i}";
                try
                {
                    confirmed[text] = await node.PublishAsync(Room, text, _kept);
                }
                catch (BrokerUnavailableException)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
                }
            }
        }))];

        foreach (NatsServer server in cluster.Servers)
        {
            await GrowsAsync(confirmed, 100);
            await server.KillAsync();
            await GrowsAsync(confirmed, 100); // two of three continue
            await server.StartAgainAsync();
            await one.IsUpAsync(_elected);
            await two.IsUpAsync(_elected);
            await cluster.AreCurrentAsync();
        }

        await enough.CancelAsync();
        await Task.WhenAll(publishing).Within();
        RoomHistory history = await ReadAsync(one);

        Assert.Equal(
            Enumerable.Range(1, history.Publications.Count).Select(static i => (long)i),
            history.Publications.Select(static p => p.Offset));
        Dictionary<string, long> stored = history.Publications.ToDictionary(static p => p.Text(), static p => p.Offset); // none twice
        Assert.All(confirmed, each => Assert.Equal(each.Value.Offset, stored[each.Key]));
        Assert.Single(confirmed.Values.Select(static position => position.Epoch).Distinct());
        foreach (Node node in (Node[])[one, two])
        {
            Assert.All(node.Sink.PublicationsOf(Room), each => Assert.Equal(stored[each.Publication.Text()], each.Publication.Offset));
        }
    }

    [Fact]
    public async Task Majority_Away_IsRefusing_AndTheReturnOfOneIsEnough()
    {
        await using NatsCluster cluster = await NatsCluster.StartAsync();
        await using Node node = await StartAsync(cluster, 0);
        await node.SubscribeAsync(Room);
        StreamPosition before = await node.PublishAsync(Room, "before", _kept);

        await cluster.Servers[1].KillAsync();
        await cluster.Servers[2].KillAsync();
        await node.IsAsync(BrokerHealth.Refusing, _elected);
        await Assert.ThrowsAsync<BrokerUnavailableException>(() => node.PublishAsync(Room, "refused", _kept));
        await node.PublishAsync(Room, "plain", RoomRule.Default);
        await node.Sink.WaitForAsync(Room, 2);

        await cluster.Servers[1].StartAgainAsync();
        await node.IsUpAsync(_elected);
        RoomHistory after = await ReadAsync(node);

        Assert.True(after.Holds(before));
        Assert.Equal("before", after.Publications[0].Text());
    }

    [Fact]
    public async Task LameDuck_IsLeftForAnotherServer_BeforeItStops()
    {
        await using NatsCluster cluster = await NatsCluster.StartAsync();
        await using Node node = await StartAsync(cluster, 0);
        await using Node other = await StartAsync(cluster, 1);
        await node.SubscribeAsync(Room);
        StreamPosition before = await node.PublishAsync(Room, "before", _kept);

        cluster.Servers[0].EnterLameDuckMode();
        await Bounded.Eventually(() => node.Log.Of("NatsLameDuck").Count == 1, _elected);
        await Bounded.Eventually(() => node.Sink.Health.Count >= 3 && node.Broker.Health == BrokerHealth.Up, _elected);
        await other.PublishAtLastAsync(Room, "after");
        await node.Sink.WaitForAsync(Room, 2);

        Assert.Equal(["before", "after"], node.Sink.TextsOf(Room));
        Assert.Equal(before with { Offset = 2 }, (await ReadAsync(node)).Top);
        Assert.DoesNotContain($":{cluster.Servers[0].Port}", node.Log.Of("NatsUp")[^1].Message);
    }

    [Fact]
    public async Task Server_Stalled_IsLeftForAnother()
    {
        await using NatsCluster cluster = await NatsCluster.StartAsync();
        await using Node node = await StartAsync(cluster, 0);
        StreamPosition before = await node.PublishAsync(Room, "before", _kept);

        await cluster.Servers[0].StopAsync();
        try
        {
            await node.IsDegradedAsync(_elected);
            await Bounded.Eventually(() => node.Broker.Health == BrokerHealth.Up, _elected);
            StreamPosition after = await node.PublishAtLastAsync(Room, "after");
            Assert.Equal(before.Epoch, after.Epoch);
        }
        finally
        {
            cluster.Servers[0].Continue();
        }

        Assert.Equal("before", (await ReadAsync(node)).Publications[0].Text());
    }

    private static Task<Node> StartAsync(NatsCluster cluster, int first) => StartUpAsync(Node.Start(
        cluster.UrlFrom(first),
        static options =>
        {
            options.MaxHistory = 1_000_000;
            options.RequestTimeout = TimeSpan.FromSeconds(3);
            options.ProbeTimeout = TimeSpan.FromSeconds(3);
        }));

    private static async Task<Node> StartUpAsync(Node node)
    {
        await node.IsUpAsync(_elected);
        return node;
    }

    private static async Task<RoomHistory> ReadAsync(Node node)
    {
        RoomHistory? history = null;
        await Waiting.UntilAsync(
            async () =>
            {
                try
                {
                    history = await node.Broker.ReadHistoryAsync(Room, new HistoryQuery(null, -1), _kept, default);
                    return true;
                }
                catch (BrokerUnavailableException)
                {
                    return false;
                }
            },
            "the history can be read",
            _elected);
        return history!;
    }

    private static Task GrowsAsync(ConcurrentDictionary<string, StreamPosition> confirmed, int by)
    {
        int before = confirmed.Count;
        return Bounded.Eventually(() => confirmed.Count > before + by, _elected);
    }
}
