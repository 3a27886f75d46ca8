using System.Collections.Concurrent;
using System.Globalization;
using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Weir.Testing;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Brokers.Nats.Tests;

/// <summary>A nats-server that is unavailable, hangs, or is restarted with more or less than it had. Each test starts its own.</summary>
public sealed class OutageTests
{
    private const string Room = "room";

    private static readonly RoomRule _durable = Node.Kept with { Durable = true };

    [Fact]
    public async Task Start_BeforeNats_FailsCallsAtOnce_AndIsUpWhenItIsThere()
    {
        await using NatsServer server = await NatsServer.StartAsync();
        await server.KillAsync();
        await using Node node = Node.Start(server.Url);

        BrokerUnavailableException publish = await Assert.ThrowsAsync<BrokerUnavailableException>(() => node.PublishAsync(Room, "x"));
        BrokerUnavailableException plain = await Assert.ThrowsAsync<BrokerUnavailableException>(
            () => node.PublishAsync(Room, "x", RoomRule.Default));
        BrokerUnavailableException subscribe = await Assert.ThrowsAsync<BrokerUnavailableException>(() => node.SubscribeAsync(Room));
        Assert.Equal((false, false, false), (publish.IsUnknown, plain.IsUnknown, subscribe.IsUnknown));
        Assert.Equal(BrokerHealth.Degraded, node.Broker.Health);

        await server.StartAgainAsync();
        await node.IsUpAsync();
        await node.PublishAsync(Room, "announced"); // to the subscription that failed
        await node.Sink.WaitForAsync(Room, 1);
        Assert.Equal([BrokerHealth.Up], node.Sink.Health);
        Assert.Single(node.Log.Of("NatsDown"));
        Assert.Single(node.Log.Of("NatsUp"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Restart_WithItsData_ContinuesUnderANewEpochThatHoldsTheOldOne(bool isKilled)
    {
        await using NatsServer server = await NatsServer.StartAsync();
        await using Node node = await Node.StartAsync(server.Url);
        await node.SubscribeAsync(Room);
        StreamPosition first = await node.PublishAsync(Room, "1");
        StreamPosition second = await node.PublishAsync(Room, "2");
        await node.Sink.WaitForAsync(Room, 2);

        await (isKilled ? server.KillAsync() : server.TerminateAsync());
        await node.IsDegradedAsync();
        await server.StartAgainAsync();
        await node.IsUpAsync();
        StreamPosition third = await node.PublishAsync(Room, "3");
        await node.Sink.WaitForAsync(Room, 3);

        Assert.NotEqual(second.Epoch, third.Epoch);
        Assert.Equal(3, third.Offset);
        RoomHistory sinceFirst = await node.ReadAsync(Room, first);
        Assert.True(sinceFirst.Holds(first));
        Assert.Equal(["2", "3"], Texts(sinceFirst));
        // The server had acknowledged before it synchronized the disk: a third offset of the old epoch could have been lost.
        Assert.False(sinceFirst.Holds(second with { Offset = 3 }));
        Assert.Equal([BrokerHealth.Up, BrokerHealth.Degraded, BrokerHealth.Up], node.Sink.Health);
    }

    [Fact]
    public async Task Restart_WithoutItsData_IsANewSequence()
    {
        await using NatsServer server = await NatsServer.StartAsync();
        await using Node node = await Node.StartAsync(server.Url);
        await node.SubscribeAsync(Room);
        StreamPosition before = await node.PublishAsync(Room, "1");
        await node.Sink.WaitForAsync(Room, 1);

        await server.KillAsync();
        server.Forget();
        await node.IsDegradedAsync();
        await server.StartAgainAsync();
        await node.IsUpAsync();

        RoomHistory after = await node.ReadAsync(Room, before);
        Assert.False(after.Holds(before));
        Assert.NotEqual(before.Epoch, after.Top.Epoch);
        Assert.Equal(after.Top with { Offset = 1 }, await node.PublishAsync(Room, "x"));
        await node.Sink.WaitForAsync(Room, 2);
    }

    [Fact]
    public async Task Restart_SeveralTimes_HoldsEachOfTheEpochsUpToWhereItEnded()
    {
        await using NatsServer server = await NatsServer.StartAsync();
        await using Node node = await Node.StartAsync(server.Url);
        List<StreamPosition> lasts = [await node.PublishAsync(Room, "0")];
        for (int i = 1; i <= 3; i++)
        {
            await server.KillAsync();
            await server.StartAgainAsync();
            lasts.Add(await node.PublishAtLastAsync(Room, i.ToString(CultureInfo.InvariantCulture)));
        }

        Assert.Equal(4, lasts.Select(static last => last.Epoch).Distinct().Count());
        foreach (StreamPosition last in lasts)
        {
            RoomHistory since = await node.ReadAsync(Room, last);
            Assert.True(since.Holds(last));
            Assert.Equal(since.Top.Offset - last.Offset, since.Publications.Count);
        }

        Assert.False((await node.ReadAsync(Room)).Holds(lasts[1] with { Offset = lasts[1].Offset + 1 }));
    }

    [Fact]
    public async Task Hang_IsFoundByTheProbe_FailsCallsAtOnce_AndEndsWhenItContinues()
    {
        await using NatsServer server = await NatsServer.StartAsync();
        await using Node node = await Node.StartAsync(server.Url);
        await node.SubscribeAsync(Room);
        StreamPosition before = await node.PublishAsync(Room, "before");
        await node.Sink.WaitForAsync(Room, 1);

        await server.StopAsync();
        try
        {
            await node.IsDegradedAsync(TimeSpan.FromSeconds(10));
            BrokerUnavailableException refused =
                await Assert.ThrowsAsync<BrokerUnavailableException>(() => node.PublishAsync(Room, "refused"));
            Assert.False(refused.IsUnknown);
        }
        finally
        {
            server.Continue();
        }

        await node.IsUpAsync();
        StreamPosition after = await node.PublishAsync(Room, "after");
        await node.Sink.WaitForAsync(Room, 2);
        Assert.Equal(new StreamPosition(before.Epoch, 2), after);
        Assert.Equal(["before", "after"], node.Sink.TextsOf(Room));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    public async Task Hang_WithPublishesUnderWay_FailsThemAsUnknown_AndThoseBeyondTheBoundAtOnce(int historySize)
    {
        RoomRule rule = Node.Kept with { HistorySize = historySize };
        await using NatsServer server = await NatsServer.StartAsync();
        await using Node node = await Node.StartAsync(server.Url, static options =>
        {
            options.MaxPending = 3;
            options.ProbeInterval = TimeSpan.FromMinutes(1); // the bound is to be met before the probe
        });
        await node.SubscribeAsync(Room);
        await node.PublishAsync(Room, "first", rule);

        await server.StopAsync();
        try
        {
            Task<StreamPosition>[] pending = [.. Enumerable.Range(0, 3).Select(i => node.PublishAsync(Room, $"{i}", rule))];
            ValueTask<StreamPosition> beyond = node.Broker.PublishAsync(Room, "beyond".ToPublication(), rule, default);
            Assert.True(beyond.IsCompleted);
            Assert.False((await Assert.ThrowsAsync<BrokerUnavailableException>(async () => await beyond)).IsUnknown);
            foreach (Task<StreamPosition> publish in pending)
            {
                Assert.True((await Assert.ThrowsAsync<BrokerUnavailableException>(() => publish)).IsUnknown);
            }
        }
        finally
        {
            server.Continue();
        }

        // What the server had received takes effect once, the rest not at all.
        await Waiting.UntilAsync(async () => await TryPublishAsync(node, rule), "a publish succeeds");
        await Bounded.Eventually(() => node.Sink.TextsOf(Room).Contains("end"));
        string[] texts = [.. node.Sink.TextsOf(Room).Where(static text => text != "end")];
        Assert.Equal(texts.Distinct(), texts);
        Assert.Equal(texts.Order(StringComparer.Ordinal).Where(static text => text != "first"), texts.Skip(1));
    }

    /// <summary>The promise: what is confirmed is there once, at its offset, and nothing is announced at two offsets.</summary>
    [Fact]
    public async Task Kills_UnderPublishesOfTwoNodes_LoseNothingConfirmed_AndRepeatNothing()
    {
        await using NatsServer server = await NatsServer.StartAsync();
        await using Node one = await Node.StartAsync(server.Url, static options => options.MaxHistory = 1_000_000);
        await using Node two = await Node.StartAsync(server.Url, static options => options.MaxHistory = 1_000_000);
        await one.SubscribeAsync(Room);
        ConcurrentDictionary<string, StreamPosition> confirmed = [];
        ConcurrentDictionary<string, bool> refused = [];
        using CancellationTokenSource enough = new();
        Task[] publishing = [.. ((Node[])[one, two]).SelectMany(node => Enumerable.Range(0, 4).Select(worker => Task.Run(async () =>
        {
            for (int i = 0; !enough.IsCancellationRequested; i++)
            {
                string text = $"{node.Sink.NodeId}:{worker}:{i}";
                try
                {
                    confirmed[text] = await node.PublishAsync(Room, text, _durable with { HistorySize = 1_000_000 });
                }
                catch (BrokerUnavailableException error)
                {
                    refused[text] = error.IsUnknown;
                    await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
                }
            }
        })))];

        for (int i = 0; i < 4; i++)
        {
            int before = confirmed.Count;
            await Bounded.Eventually(() => confirmed.Count > before + 200);
            await server.KillAsync();
            await server.StartAgainAsync();
            await one.IsUpAsync();
            await two.IsUpAsync();
        }

        await enough.CancelAsync();
        await Task.WhenAll(publishing).Within();
        RoomHistory history = await one.Broker.ReadHistoryAsync(
            Room, new HistoryQuery(null, -1), _durable with { HistorySize = 1_000_000 }, default).Within();

        Assert.Equal(
            Enumerable.Range(1, history.Publications.Count).Select(static i => (long)i),
            history.Publications.Select(static p => p.Offset));
        Assert.Equal(history.Top.Offset, history.Publications.Count);
        Dictionary<string, long> stored = history.Publications.ToDictionary(static p => p.Text(), static p => p.Offset); // none twice
        Assert.All(confirmed, each => Assert.Equal(each.Value.Offset, stored[each.Key]));
        Assert.All(confirmed, each => Assert.True(history.Holds(each.Value)));
        Assert.All(refused.Where(static each => !each.Value), each => Assert.DoesNotContain(each.Key, stored));
        Assert.All(one.Sink.PublicationsOf(Room), each => Assert.Equal(stored[each.Publication.Text()], each.Publication.Offset));
        long[] announced = [.. one.Sink.PublicationsOf(Room).Select(static each => each.Publication.Offset)];
        Assert.Equal(announced.Order().Distinct(), announced);
    }

    [Fact]
    public async Task JetStream_Missing_IsRefusing_AndRoomsWithoutHistoryWork()
    {
        await using NatsServer server = await NatsServer.StartAsync(jetStream: null);
        await using Node node = Node.Start(server.Url);
        await node.IsAsync(BrokerHealth.Refusing);
        await node.SubscribeAsync(Room);

        Assert.Equal(default, await node.PublishAsync(Room, "plain", RoomRule.Default));
        Assert.Equal(default, await node.PublishAsync(Room, "announced"));
        BrokerUnavailableException refused =
            await Assert.ThrowsAsync<BrokerUnavailableException>(() => node.PublishAsync(Room, "refused", _durable));
        await Assert.ThrowsAsync<BrokerUnavailableException>(() => node.ReadAsync(Room));

        Assert.False(refused.IsUnknown);
        await node.Sink.WaitForAsync(Room, 2);
        Assert.Equal(["plain", "announced"], node.Sink.TextsOf(Room));
        Assert.Contains("JetStream", Assert.Single(node.Log.Of("NatsRefuses")).Message);
        Assert.Empty(node.Log.Of("NatsDown"));
    }

    /// <summary>The disk is used up: what is not stored is announced, and skips an offset later.</summary>
    [Fact]
    public async Task Storage_Full_IsRefusing_StoresNothingInSilence_AndStillReads()
    {
        await using NatsServer server = await NatsServer.StartAsync(jetStream: "max_mem: 64MB, max_file: 3MB");
        await using Node node = await Node.StartAsync(server.Url);
        Publication filler = new() { Data = new byte[30_000] };
        await StaysTrueWhileFullAsync(node, async () =>
        {
            for (int i = 0; i < 200; i++)
            {
                await node.Broker.PublishAsync("filler", filler, _durable, default).Within();
            }
        });
    }

    /// <summary>
    /// A server that exceeds an account's limit removes the newest message, and then takes the subject for empty: the node stops before.
    /// </summary>
    [Fact]
    public async Task Account_NearlyFull_IsRefusing_BeforeTheServerLosesTheEndsOfRooms()
    {
        await using NatsServer server = await NatsServer.StartAsync(
            "accounts: { a: { jetstream: { max_mem: 1M, max_file: 20M }, users: [ { user: u, password: p } ] } }, no_auth_user: u");
        await using Node node = await Node.StartAsync(server.Url);
        Publication filler = new() { Data = new byte[30_000] };
        StreamPosition before = await StaysTrueWhileFullAsync(node, async () =>
        {
            for (int i = 0; i < 640; i++) // 96 %
            {
                await node.Broker.PublishAsync("filler", filler, _durable, default).Within();
            }

            await Bounded.Eventually(() => node.Sink.Health.Contains(BrokerHealth.Refusing));
            await node.Broker.PublishAsync("filler", filler, _durable, default).Within();
        });

        // nats-server 2.9.10 counts what was purged as used until it is restarted.
        await node.Broker.RemoveHistoryAsync("filler", default).Within();
        await server.TerminateAsync();
        await server.StartAgainAsync();
        await Bounded.Eventually(() => node.Sink.Health.Contains(BrokerHealth.Degraded) && node.Sink.Health[^1] == BrokerHealth.Up);
        StreamPosition after = await node.Broker.PublishAsync(
            Room, new Publication { Data = "after"u8.ToArray(), IsAfterLoss = true }, _durable, default).Within();
        Assert.Equal(3, after.Offset);
        Assert.True((await node.ReadAsync(Room)).Holds(before));
    }

    private static async Task<StreamPosition> StaysTrueWhileFullAsync(Node node, Func<Task> fillAsync)
    {
        await node.SubscribeAsync(Room);
        StreamPosition before = await node.PublishAsync(Room, "before", _durable);
        BrokerUnavailableException refused = await Assert.ThrowsAsync<BrokerUnavailableException>(fillAsync);

        Assert.False(refused.IsUnknown);
        await Bounded.Eventually(() => node.Sink.Health.Contains(BrokerHealth.Refusing));
        string large = new('a', 300_000);
        Assert.Equal(default, await node.PublishAsync(Room, large));
        await Assert.ThrowsAsync<BrokerUnavailableException>(() => node.PublishAsync(Room, large, _durable));
        Assert.Equal(before, (await node.ReadAsync(Room)).Top);
        await node.Sink.WaitForAsync(Room, 2);
        Assert.Equal([1L, 0L], node.Sink.PublicationsOf(Room).Select(static each => each.Publication.Offset));
        return before;
    }

    [Fact]
    public async Task Streams_Deleted_AreMadeAgain_UnderANewEpoch()
    {
        await using NatsServer server = await NatsServer.StartAsync();
        await using Node node = await Node.StartAsync(server.Url, static options => options.Shards = 1);
        StreamPosition before = await node.PublishAsync(Room, "1");
        await using (NATS.Client.Core.NatsConnection other = new(NATS.Client.Core.NatsOpts.Default with { Url = server.Url }))
        {
            await other.RequestAsync<string, string>("$JS.API.STREAM.DELETE.weir-log-0-of-1", "");
        }

        StreamPosition after = await node.PublishAtLastAsync(Room, "2");

        Assert.NotEqual(before.Epoch, after.Epoch);
        Assert.Equal(1, after.Offset);
        Assert.False((await node.ReadAsync(Room)).Holds(before));
    }

    /// <summary>The server cuts the connection of a node that reads too slowly: a gap that the node is notified of.</summary>
    [Fact]
    public async Task SlowNode_IsCutByTheServer_AndComparesItsPositions()
    {
        await using NatsServer server = await NatsServer.StartAsync("max_pending: 1100000, write_deadline: \"500ms\"");
        await using Node publisher = await Node.StartAsync(server.Url);
        using StallingSink sink = new();
        await using NatsBroker slow = new(new NatsOptions { Url = server.Url, ProbeInterval = TimeSpan.FromMinutes(1) });
        await slow.StartAsync(sink, default);
        await Bounded.Eventually(() => slow.Health == BrokerHealth.Up);
        await slow.SubscribeAsync(Room, default).Within();

        sink.Stall();
        Publication large = new() { Data = new byte[500_000] };
        for (int i = 0; i < 100 && !server.Log.Contains("Slow Consumer", StringComparison.Ordinal); i++)
        {
            await publisher.Broker.PublishAsync(Room, large, Node.Kept, default).Within();
        }

        Assert.Contains("Slow Consumer", server.Log, StringComparison.Ordinal);
        sink.Continue();
        await Bounded.Eventually(() => sink.Recorded.Health.Count == 3);
        StreamPosition last = await publisher.PublishAsync(Room, "after");
        await Bounded.Eventually(() => sink.Recorded.PublicationsOf(Room)[^1].Publication.Offset == last.Offset);

        Assert.True(sink.Recorded.Count < last.Offset); // there was a gap
        Assert.Equal([BrokerHealth.Up, BrokerHealth.Degraded, BrokerHealth.Up], sink.Recorded.Health);
    }

    [Fact]
    public async Task Connection_CutWithoutNotice_IsFoundByTheProbe_AndMadeAnew()
    {
        await using NatsServer server = await NatsServer.StartAsync();
        await using TcpProxy proxy = TcpProxy.Start(server.Port);
        await using Node publisher = await Node.StartAsync(server.Url);
        await using Node node = await Node.StartAsync("nats://" + proxy.Address);
        await node.SubscribeAsync(Room);
        await publisher.PublishAsync(Room, "before");
        await node.Sink.WaitForAsync(Room, 1);

        proxy.Freeze();
        await publisher.PublishAsync(Room, "missed");
        await Bounded.Eventually(() => node.Sink.Health.Count == 3);
        await publisher.PublishAsync(Room, "after");
        await node.Sink.WaitForAsync(Room, 2);

        Assert.Equal(["before", "after"], node.Sink.TextsOf(Room));
        Assert.Equal([BrokerHealth.Up, BrokerHealth.Degraded, BrokerHealth.Up], node.Sink.Health);
        Assert.Equal(4, (await node.PublishAsync(Room, "own")).Offset);
    }

    [Fact]
    public async Task Reconnect_WithManyRooms_MissesNothingOnceItIsUp()
    {
        await using NatsServer server = await NatsServer.StartAsync();
        await using Node node = await Node.StartAsync(server.Url);
        await Task.WhenAll(Enumerable.Range(0, 500).Select(i => node.SubscribeAsync($"{Room}:{i}")));

        await server.KillAsync();
        await server.StartAgainAsync();
        await Bounded.Eventually(() => node.Sink.Health.Count == 3);
        await Task.WhenAll(Enumerable.Range(0, 500).Select(i => node.PublishAsync($"{Room}:{i}", "x", RoomRule.Default)));

        await Bounded.Eventually(() => node.Sink.Count == 500);
    }

    [Fact]
    public async Task Dispose_WhileNatsHangs_DoesNotWaitForIt()
    {
        await using NatsServer server = await NatsServer.StartAsync();
        await server.StopAsync();
        Node node = Node.Start(server.Url, static options => options.ConnectTimeout = TimeSpan.FromMinutes(1));

        await node.DisposeAsync().AsTask().Within(TimeSpan.FromSeconds(20));

        server.Continue();
    }

    private static async Task<bool> TryPublishAsync(Node node, RoomRule rule)
    {
        try
        {
            await node.PublishAsync(Room, "end", rule);
            return true;
        }
        catch (BrokerUnavailableException)
        {
            return false;
        }
    }

    private static IEnumerable<string> Texts(RoomHistory history) => history.Publications.Select(static publication => publication.Text());
}
