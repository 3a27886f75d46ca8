using System.Globalization;
using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Weir.Testing;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Brokers.Redis.Tests;

/// <summary>A Redis that is unavailable, hangs, or restarts with more or less data than it had. Each test has servers of its own.</summary>
public sealed class OutageTests
{
    private const string Room = "room";

    [Fact]
    public async Task Start_BeforeRedis_FailsCallsAtOnce_AndIsUpWhenItIsThere()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await server.KillAsync();
        await using Node node = Node.Start(server.Address);

        BrokerUnavailableException publish = await Assert.ThrowsAsync<BrokerUnavailableException>(() => node.PublishAsync(Room, "x"));
        BrokerUnavailableException subscribe = await Assert.ThrowsAsync<BrokerUnavailableException>(() => node.SubscribeAsync(Room));
        Assert.Equal((false, false), (publish.IsUnknown, subscribe.IsUnknown));
        Assert.Equal(BrokerHealth.Degraded, node.Broker.Health);

        await server.StartAgainAsync();
        await node.IsUpAsync();
        await node.PublishAsync(Room, "received"); // of the subscription that failed
        await node.Sink.WaitForAsync(Room, 1);
        Assert.Equal([BrokerHealth.Up], node.Sink.Health);
    }

    [Fact]
    public async Task Restart_WithItsData_ContinuesUnderANewEpochThatHasTheOldOne()
    {
        await using RedisServer server = await RedisServer.StartAsync("--appendonly", "yes", "--appendfsync", "always");
        await using Node node = await Node.StartAsync(server.Address);
        await node.SubscribeAsync(Room);
        StreamPosition first = await node.PublishAsync(Room, "1");
        StreamPosition second = await node.PublishAsync(Room, "2");
        await node.Sink.WaitForAsync(Room, 2); // the answer may be faster than the announcement, which the kill would take along

        await server.KillAsync();
        await node.IsDegradedAsync();
        await server.StartAgainAsync();
        await node.IsUpAsync();
        StreamPosition third = await node.PublishAsync(Room, "3");
        await node.Sink.WaitForAsync(Room, 3);

        Assert.NotEqual(second.Epoch, third.Epoch);
        Assert.Equal(3, third.Offset);
        RoomHistory sinceFirst = await node.ReadAsync(Room, first);
        Assert.True(sinceFirst.Holds(first));
        Assert.Equal(["2", "3"], sinceFirst.Publications.Select(static publication => publication.Text()));
        Assert.True((await node.ReadAsync(Room)).Holds(second));
        // The old epoch gave no third offset that could have survived.
        Assert.False((await node.ReadAsync(Room)).Holds(second with { Offset = 3 }));
        Assert.Equal([BrokerHealth.Up, BrokerHealth.Degraded, BrokerHealth.Up], node.Sink.Health);
    }

    [Fact]
    public async Task Restart_WithoutItsData_IsANewSequence()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using Node node = await Node.StartAsync(server.Address);
        await node.SubscribeAsync(Room);
        StreamPosition before = await node.PublishAsync(Room, "1");
        await node.Sink.WaitForAsync(Room, 1);

        await server.KillAsync();
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
    public async Task Restart_SeveralTimes_HasEachOfTheEpochsUpToItsEnd()
    {
        await using RedisServer server = await RedisServer.StartAsync("--appendonly", "yes", "--appendfsync", "always");
        await using Node node = await Node.StartAsync(server.Address);
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
        await using RedisServer server = await RedisServer.StartAsync();
        await using Node node = await Node.StartAsync(server.Address);
        await node.SubscribeAsync(Room);
        StreamPosition before = await node.PublishAsync(Room, "before");

        server.Stop();
        try
        {
            // A probe at the latest after 200 ms, which then has 2 s; or the one that was under way, if only its answer is missing,
            // and then the next one's look at the commands.
            await node.IsDegradedAsync(TimeSpan.FromSeconds(10));
            await Bounded.Eventually(() => node.Broker.IsRefusing);
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

    [Fact]
    public async Task Hang_WithPublishesUnderWay_FailsThemAsUnknown_AndThoseBeyondTheBoundAtOnce()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using Node node = await Node.StartAsync(server.Address, static options =>
        {
            options.MaxPending = 3;
            options.ProbeInterval = TimeSpan.FromMinutes(1); // the bound is to be met before the probe
        });
        await node.PublishAsync(Room, "script");

        server.Stop();
        try
        {
            Task<StreamPosition>[] pending = [.. Enumerable.Range(0, 3).Select(i => node.PublishAsync(Room, $"{i}"))];
            ValueTask<StreamPosition> beyond = node.Broker.PublishAsync(Room, "beyond".ToPublication(), Node.Kept, default);
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

        // It had them all the same, each once: nothing was sent again.
        await Waiting.UntilAsync(async () => (await node.ReadAsync(Room)).Top.Offset == 4, "the publishes that were under way are done");
        Assert.Equal(["script", "0", "1", "2"], (await node.ReadAsync(Room)).Publications.Select(static publication => publication.Text()));
    }

    [Fact]
    public async Task SubscriptionLink_ClosedByRedis_IsRestoredWithinTheSequence_AndTheOffsetsShowWhatWasMissed()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using Node listener = await Node.StartAsync(server.Address);
        await using Node publisher = await Node.StartAsync(server.Address);
        await listener.SubscribeAsync(Room);
        using CancellationTokenSource enough = new();
        Task<StreamPosition> publishing = Task.Run(async () =>
        {
            StreamPosition last = default;
            while (!enough.IsCancellationRequested)
            {
                last = await publisher.PublishAsync(Room, "x");
            }

            return last;
        });

        for (int cut = 1; cut <= 3; cut++)
        {
            int received = listener.Sink.Count;
            await Bounded.Eventually(() => listener.Sink.Count > received + 50);
            await server.AskAsync("CLIENT KILL TYPE pubsub");
            await Bounded.Eventually(() => listener.Sink.Health.Count == 1 + (2 * cut)); // down and up again
        }

        await enough.CancelAsync();
        StreamPosition top = await publishing.Within();
        await Bounded.Eventually(() => listener.Sink.PublicationsOf(Room)[^1].Publication.Offset == top.Offset);
        long[] offsets = [.. listener.Sink.PublicationsOf(Room).Select(static each => each.Publication.Offset)];
        Assert.Equal(offsets.Order().Distinct(), offsets); // in order, none twice
        // A gap only where the node was notified to check its positions.
        Assert.InRange(offsets.Zip(offsets.Skip(1)).Count(static pair => pair.Second != pair.First + 1), 0, 3);
        Assert.Equal(Alternating(7), listener.Sink.Health);
    }

    [Fact]
    public async Task SubscriptionLink_AfterItIsUpAgain_MissesNothing()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using Node node = await Node.StartAsync(server.Address);
        for (int i = 0; i < 500; i++)
        {
            await node.SubscribeAsync($"{Room}:{i}");
        }

        await server.AskAsync("CLIENT KILL TYPE pubsub");
        await Bounded.Eventually(() => node.Sink.Health.Count == 3);
        // Up: so every one of the subscriptions is confirmed, and not only requested.
        await Task.WhenAll(Enumerable.Range(0, 500).Select(i => node.PublishAsync($"{Room}:{i}", "x")));
        await Bounded.Eventually(() => node.Sink.Count == 500);
    }

    [Fact]
    public async Task CommandConnection_ClosedByRedis_IsReportedAndRestored()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using Node node = await Node.StartAsync(server.Address);
        await node.SubscribeAsync(Room);

        await server.AskAsync("CLIENT KILL TYPE normal SKIPME yes");
        await Bounded.Eventually(() => node.Sink.Health.Count >= 3 && node.Broker.Health == BrokerHealth.Up);

        await node.PublishAsync(Room, "x");
        await node.Sink.WaitForAsync(Room, 1);
    }

    [Fact]
    public async Task ScriptsForgottenByRedis_AreSentAgain()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using Node node = await Node.StartAsync(server.Address);
        await node.PublishAsync(Room, "1");

        await server.AskAsync("SCRIPT FLUSH");

        Assert.Equal(2, (await node.PublishAsync(Room, "2")).Offset);
    }

    /// <summary>Full, and without the replicas it is to have: it still reads and announces.</summary>
    [Theory]
    [InlineData("maxmemory 1", "maxmemory 0", "OOM")]
    [InlineData("min-replicas-to-write 1", "min-replicas-to-write 0", "NOREPLICAS")]
    public async Task Refusing_IsSeenByTheProbe_StoresNothingInSilence_AndIsLoggedOnce(string begin, string end, string code)
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using Node publisher = await Node.StartAsync(server.Address);
        await using Node listener = await Node.StartAsync(server.Address);
        await listener.SubscribeAsync(Room);
        RoomRule durable = Node.Kept with { Durable = true };
        StreamPosition before = await publisher.PublishAsync(Room, "before", durable);

        await server.AskAsync($"CONFIG SET {begin}");
        await Bounded.Eventually(() => publisher.Broker.Health == BrokerHealth.Refusing && listener.Broker.Health == BrokerHealth.Refusing);
        BrokerUnavailableException refused =
            await Assert.ThrowsAsync<BrokerUnavailableException>(() => publisher.PublishAsync(Room, "refused", durable));
        await Assert.ThrowsAsync<BrokerUnavailableException>(
            () => publisher.PublishAsync("room of which nothing is kept yet", "refused", durable));
        await Bounded.Eventually(() => publisher.MastersUp == 0);
        StreamPosition announced = await publisher.PublishAsync(Room, "announced");
        RoomHistory history = await publisher.ReadAsync(Room);

        Assert.False(refused.IsUnknown);
        Assert.Contains(code, refused.Message, StringComparison.Ordinal);
        Assert.Equal(default, announced);
        Assert.Equal(before, history.Top);
        await listener.Sink.WaitForAsync(Room, 2);
        Assert.Equal(["before", "announced"], listener.Sink.TextsOf(Room));

        await Waiting.PassAsync(TimeSpan.FromSeconds(1)); // several probes
        await server.AskAsync($"CONFIG SET {end}");
        await publisher.IsUpAsync();
        await Bounded.Eventually(() => publisher.MastersUp == 1);
        StreamPosition after = await publisher.Broker.PublishAsync(Room, AfterLoss("after"), durable, default).AsTask().Within();

        Assert.Equal(before with { Offset = 3 }, after); // 2 is left out for what was announced only
        Assert.Equal([BrokerHealth.Up, BrokerHealth.Refusing, BrokerHealth.Up], publisher.Sink.Health);
        Assert.Contains(code, Assert.Single(publisher.Log.Of("RedisRefuses")).Message, StringComparison.Ordinal);
        Assert.Empty(publisher.Log.Of("RedisDown"));
        Assert.Equal(2, publisher.Log.Of("RedisUp").Count);
    }

    [Fact]
    public async Task Refusing_FoundByAPublish_IsLookedAtAtOnce()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using Node node = await Node.StartAsync(server.Address, static options => options.ProbeInterval = TimeSpan.FromMinutes(1));
        await node.PublishAsync(Room, "script");
        await server.AskAsync("CONFIG SET min-replicas-to-write 1");

        await Assert.ThrowsAsync<BrokerUnavailableException>(() => node.PublishAsync(Room, "x", Node.Kept with { Durable = true }));

        await Bounded.Eventually(() => node.Broker.Health == BrokerHealth.Refusing);
    }

    [Fact]
    public async Task Skip_LeavesOutANumber_ThatNoReadShows()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using Node node = await Node.StartAsync(server.Address);
        StreamPosition first = await node.PublishAsync(Room, "1");

        StreamPosition skipped = await node.Broker.SkipAsync(Room, Node.Kept, default).AsTask().Within();
        StreamPosition third = await node.PublishAsync(Room, "3");

        Assert.Equal((first with { Offset = 2 }, first with { Offset = 3 }), (skipped, third));
        Assert.Equal([1L, 3L], (await node.ReadAsync(Room)).Publications.Select(static publication => publication.Offset));
    }

    [Fact]
    public async Task AnnouncementRefused_ButStored_IsStored()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await server.AskAsync("ACL SETUSER weir on >word +@all ~* resetchannels &weir:{control}* &weir:{probe*");
        await using Node node = await Node.StartAsync($"{server.Address},user=weir,password=word");

        StreamPosition position = await node.PublishAsync(Room, "x");

        Assert.Equal(1, position.Offset);
        Assert.Single((await node.ReadAsync(Room)).Publications);
    }

    [Fact]
    public async Task Unavailable_FromTheStart_IsLoggedOnce()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await server.KillAsync();
        await using Node node = Node.Start(server.Address);
        await Bounded.Eventually(() => node.Log.Of("RedisTryFailed").Count > 3);

        await server.StartAgainAsync();
        await node.IsUpAsync();

        Assert.Single(node.Log.Of("RedisDown"));
        Assert.Single(node.Log.Of("RedisUp"));
    }

    [Fact]
    public async Task Links_LostSilently_AreFoundByTheProbe_AndMadeAnew()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using TcpProxy proxy = TcpProxy.Start(server.Port);
        await using Node publisher = await Node.StartAsync(server.Address);
        await using Node node = await Node.StartAsync(proxy.Address);
        await node.SubscribeAsync(Room);
        await publisher.PublishAsync(Room, "before");
        await node.Sink.WaitForAsync(Room, 1);

        proxy.Freeze();
        await publisher.PublishAsync(Room, "missed");
        await node.IsDegradedAsync(TimeSpan.FromSeconds(10));
        await node.IsUpAsync();
        await publisher.PublishAsync(Room, "after");
        await node.Sink.WaitForAsync(Room, 2);

        Assert.Equal(["before", "after"], node.Sink.TextsOf(Room));
        Assert.Equal(4, (await node.PublishAsync(Room, "own")).Offset); // the connection for commands is another one too
    }

    [Fact]
    public async Task RedisUnavailable_IsTriedWithPausesInBetween()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using TcpProxy proxy = TcpProxy.Start(server.Port);
        await using Node node = await Node.StartAsync(proxy.Address);
        await server.KillAsync();
        await node.IsDegradedAsync();

        int before = proxy.Connections;
        await Waiting.PassAsync(TimeSpan.FromSeconds(2));

        // After pauses of 100, 200, 400, 800 ms and then of a second; the library has a rhythm of its own, at each 200 ms or more.
        Assert.InRange(proxy.Connections - before, 2, 25);
    }

    [Fact]
    public async Task Password_IsGivenOnBothConnections()
    {
        await using RedisServer server = await RedisServer.StartAsync("--requirepass", "secret word");
        await using Node node = await Node.StartAsync($"{server.Address},password=secret word");
        await node.SubscribeAsync(Room);

        await node.PublishAsync(Room, "x");

        await node.Sink.WaitForAsync(Room, 1);
    }

    [Fact]
    public async Task Dispose_WhileRedisHangs_DoesNotWaitForIt()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        server.Stop();
        Node node = Node.Start(server.Address, static options => options.ConnectTimeout = TimeSpan.FromMinutes(1));

        await node.DisposeAsync().AsTask().Within(TimeSpan.FromSeconds(2));

        server.Continue();
    }

    private static Publication AfterLoss(string text)
    {
        Publication publication = text.ToPublication();
        return new Publication { Data = publication.Data, Kind = publication.Kind, IsAfterLoss = true };
    }

    private static IEnumerable<BrokerHealth> Alternating(int count)
        => Enumerable.Range(0, count).Select(static i => i % 2 == 0 ? BrokerHealth.Up : BrokerHealth.Degraded);
}
