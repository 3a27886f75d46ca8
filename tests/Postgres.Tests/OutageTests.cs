using System.Globalization;
using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Weir.Testing;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Brokers.Postgres.Tests;

/// <summary>A PostgreSQL that is unavailable, hangs, refuses, or returns. Each test has a server of its own.</summary>
public sealed class OutageTests
{
    private const string Room = "room";

    private static readonly TimeSpan _long = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Start_BeforePostgres_FailsCallsAtOnce_AndIsUpWhenItIsThere()
    {
        await using PostgresServer server = await StartServerAsync();
        await server.StopFastAsync();
        await using Node node = Node.Start(server.ConnectionString);

        BrokerUnavailableException publish = await Assert.ThrowsAsync<BrokerUnavailableException>(() => node.PublishAsync(Room, "x"));
        BrokerUnavailableException subscribe = await Assert.ThrowsAsync<BrokerUnavailableException>(() => node.SubscribeAsync(Room));
        BrokerUnavailableException read = await Assert.ThrowsAsync<BrokerUnavailableException>(() => node.ReadAsync(Room));
        Assert.Equal((false, false, false), (publish.IsUnknown, subscribe.IsUnknown, read.IsUnknown));
        Assert.Equal(BrokerHealth.Degraded, node.Broker.Health);

        await server.StartAgainAsync();
        await node.IsUpAsync();
        await node.PublishAsync(Room, "announced"); // of the subscription that failed
        await node.Sink.WaitForAsync(Room, 1);
        Assert.Equal([BrokerHealth.Up], node.Sink.Health);
        Assert.Single(node.Log.Of("PostgresDown"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Restart_InOrderOrAfterACrash_ContinuesWithinTheEpoch_WithAllThatWasConfirmed(bool isCrash)
    {
        await using PostgresServer server = await StartServerAsync();
        await using Node node = await Node.StartAsync(server.ConnectionString);
        await node.SubscribeAsync(Room);
        List<string> confirmed = [];
        StreamPosition last = default;
        Task publishing = Task.Run(async () =>
        {
            try
            {
                for (int i = 0; ; i++)
                {
                    last = await node.PublishAsync(Room, $"{i}");
                    confirmed.Add($"{i}");
                }
            }
            catch (BrokerUnavailableException)
            {
                // The server is gone.
            }
        });
        await Bounded.Eventually(() => node.Sink.Count > 50, _long);

        await (isCrash ? server.StopImmediateAsync() : server.StopFastAsync());
        await publishing.Within(_long);
        await node.IsDegradedAsync();
        await server.StartAgainAsync();
        await node.IsUpAsync();
        StreamPosition after = await node.PublishAtLastAsync(Room, "after");

        RoomHistory history = await node.ReadAsync(Room);
        Assert.Equal(last.Epoch, after.Epoch);
        Assert.Equal(confirmed, history.Publications.Take(confirmed.Count).Select(static publication => publication.Text()));
        Assert.Equal(Enumerable.Range(1, history.Publications.Count).Select(static i => (long)i),
            history.Publications.Select(static publication => publication.Offset));
        Assert.InRange(after.Offset, last.Offset + 1, last.Offset + 2); // the one under way may have been stored
        Assert.Equal([BrokerHealth.Up, BrokerHealth.Degraded, BrokerHealth.Up], node.Sink.Health);
    }

    [Fact]
    public async Task Hang_IsFoundByTheProbe_FailsCallsAtOnce_AndEndsWhenItContinues()
    {
        await using PostgresServer server = await StartServerAsync();
        await using Node node = await Node.StartAsync(server.ConnectionString);
        await node.SubscribeAsync(Room);
        StreamPosition before = await node.PublishAsync(Room, "before");
        await node.Sink.WaitForAsync(Room, 1);

        server.Suspend();
        try
        {
            await node.IsDegradedAsync();
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
    public async Task Hang_WithPublishesUnderWay_FailsThemAsUnknown_TheQueuedAsNotDone_AndThoseBeyondTheBoundAtOnce()
    {
        await using PostgresServer server = await StartServerAsync();
        await using Node node = await Node.StartAsync(server.ConnectionString, static options =>
        {
            options.MaxPending = 3;
            options.ProbeInterval = TimeSpan.FromMinutes(1); // the bound is to be met before the probe
        });
        await node.PublishAsync(Room, "first");

        server.Suspend();
        BrokerUnavailableException[] failures;
        try
        {
            Task<StreamPosition>[] pending = [.. Enumerable.Range(0, 3).Select(i => node.PublishAsync(Room, $"{i}"))];
            ValueTask<StreamPosition> beyond = node.Broker.PublishAsync(Room, "beyond".ToPublication(), Node.Kept, default);
            Assert.True(beyond.IsCompleted);
            Assert.False((await Assert.ThrowsAsync<BrokerUnavailableException>(async () => await beyond)).IsUnknown);
            failures = await Task.WhenAll(pending.Select(static publish => Assert.ThrowsAsync<BrokerUnavailableException>(() => publish)));
        }
        finally
        {
            server.Continue();
        }

        int unknown = failures.Count(static failure => failure.IsUnknown);
        Assert.InRange(unknown, 1, 3);
        await Waiting.UntilAsync(async () => (await ReadAtLastAsync(node)).Top.Offset == 1 + unknown, "those under way are done", _long);
        Assert.Equal(
            ["first", .. Enumerable.Range(0, 3).Where(i => failures[i].IsUnknown).Select(static i => $"{i}")],
            (await ReadAtLastAsync(node)).Publications.Select(static publication => publication.Text()));
    }

    /// <summary>
    /// The nodes' sessions are ended again and again while they publish: each node gets everything in its order, also in a room without
    /// history, because it continues from the last number.
    /// </summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task SessionsEndedByTheServer_NothingIsMissed_AndNothingTwice(bool keepsHistory)
    {
        RoomRule rule = keepsHistory ? Node.Kept : RoomRule.Default;
        await using PostgresServer server = await StartServerAsync();
        await using Node listener = await Node.StartAsync(server.ConnectionString);
        await using Node publisher = await Node.StartAsync(server.ConnectionString);
        await listener.SubscribeAsync(Room);
        await publisher.SubscribeAsync(Room);
        using CancellationTokenSource enough = new();
        List<string> confirmed = [];
        List<string> unknown = [];
        Task publishing = Task.Run(async () =>
        {
            for (int i = 0; !enough.IsCancellationRequested; i++)
            {
                try
                {
                    await publisher.PublishAsync(Room, $"{i}", rule);
                    confirmed.Add($"{i}");
                }
                catch (BrokerUnavailableException error)
                {
                    if (error.IsUnknown)
                    {
                        unknown.Add($"{i}");
                    }

                    await Waiting.PassAsync(TimeSpan.FromMilliseconds(10));
                }
            }
        });

        for (int cut = 1; cut <= 5; cut++)
        {
            int before = listener.Sink.Count;
            await Bounded.Eventually(() => listener.Sink.Count > before + 20, _long);
            await server.AskAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'weir'");
            await Bounded.Eventually(() => listener.Sink.Health.Count >= 1 + (2 * cut), _long); // down and up again
        }

        await publisher.IsUpAsync();
        await enough.CancelAsync();
        await publishing.Within(_long);
        await publisher.PublishAtLastAsync(Room + "2", "end");
        await Bounded.Eventually(
            () => listener.Sink.TextsOf(Room).Count >= confirmed.Count
                && listener.Sink.TextsOf(Room)[^1] == publisher.Sink.TextsOf(Room)[^1],
            _long);

        IReadOnlyList<string> announced = listener.Sink.TextsOf(Room);
        Assert.Equal(announced.Distinct(), announced);
        Assert.Empty(confirmed.Except(announced));
        Assert.Empty(announced.Except(confirmed).Except(unknown));
        Assert.Equal(announced.OrderBy(static text => int.Parse(text, CultureInfo.InvariantCulture)), announced);
        Assert.Equal(publisher.Sink.TextsOf(Room), announced);
        if (keepsHistory)
        {
            Assert.Equal(Enumerable.Range(1, announced.Count).Select(static i => (long)i),
                listener.Sink.PublicationsOf(Room).Select(static each => each.Publication.Offset));
        }
    }

    [Fact]
    public async Task SessionKilled_WhichRestartsTheServer_EndsInOneSequence()
    {
        await using PostgresServer server = await StartServerAsync();
        await using Node node = await Node.StartAsync(server.ConnectionString);
        await node.SubscribeAsync(Room);
        StreamPosition before = await node.PublishAsync(Room, "1");
        await node.Sink.WaitForAsync(Room, 1);

        string session = await server.AskAsync("SELECT min(pid) FROM pg_stat_activity WHERE application_name = 'weir'");
        TestSupport.Signals.Kill(int.Parse(session, CultureInfo.InvariantCulture));
        await node.IsDegradedAsync();
        await node.IsUpAsync();

        Assert.Equal(before with { Offset = 2 }, await node.PublishAtLastAsync(Room, "2"));
        await node.Sink.WaitForAsync(Room, 2);
        Assert.Equal(["1", "2"], node.Sink.TextsOf(Room));
    }

    [Fact]
    public async Task Announcements_RemovedBeforeTheyWereRead_AreReportedAsMissed()
    {
        await using PostgresServer server = await StartServerAsync();
        await using Node node = await Node.StartAsync(server.ConnectionString);
        await node.SubscribeAsync(Room);

        await server.AskAsync(
            """
            BEGIN;
            SELECT pg_advisory_xact_lock(1464159570, 1);
            SELECT weir.announce(1::smallint, '', '{}', NULL, NULL, '{}', NULL, '{}');
            UPDATE weir.announcement SET seq = seq + 10 WHERE lane = 1 AND seq = (SELECT max(seq) FROM weir.announcement WHERE lane = 1);
            SELECT weir.notify(1::smallint);
            COMMIT;
            """);
        await Bounded.Eventually(() => node.Sink.Health.Count >= 3, _long);
        await node.IsUpAsync();
        await node.PublishAsync(Room, "x", RoomRule.Default);
        await node.Sink.WaitForAsync(Room, 1);

        Assert.Contains("before this node has read them", Assert.Single(node.Log.Of("PostgresDown")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Announcements_EmptiedByHand_AreReportedAsMissed_AndBeginAnew()
    {
        await using PostgresServer server = await StartServerAsync();
        await using Node node = await Node.StartAsync(server.ConnectionString);
        await node.SubscribeAsync(Room);
        for (int i = 0; i < 20; i++)
        {
            await node.PublishAsync(Room, $"{i}", RoomRule.Default);
        }

        await server.AskAsync("TRUNCATE weir.announcement");
        await Bounded.Eventually(() => node.Sink.Health.Count >= 3, _long);
        await node.IsUpAsync();
        await node.PublishAsync(Room, "after", RoomRule.Default);
        await Bounded.Eventually(() => node.Sink.TextsOf(Room)[^1] == "after", _long);

        Assert.Equal(21, node.Sink.Count);
    }

    /// <summary>Read-only, and a full disk: every publish fails, nothing is stored in silence, and health says so.</summary>
    [Theory]
    [InlineData("ALTER SYSTEM SET default_transaction_read_only = on", "SET transaction_read_only = off; ALTER SYSTEM RESET default_transaction_read_only", "25006")]
    [InlineData(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = '53100'; END $$; "
        + "CREATE TRIGGER full_disk BEFORE INSERT ON weir.history FOR EACH ROW EXECUTE FUNCTION full_disk()",
        "DROP TRIGGER full_disk ON weir.history",
        "53100")]
    public async Task Refusing_IsHealth_AndEndsByItself(string begin, string end, string code)
    {
        await using PostgresServer server = await StartServerAsync();
        await using Node node = await Node.StartAsync(server.ConnectionString);
        await node.SubscribeAsync(Room);
        StreamPosition before = await node.PublishAsync(Room, "before");

        await server.AskAsync(begin);
        await server.AskAsync("SELECT pg_reload_conf()");
        BrokerUnavailableException? refused = null;
        await Waiting.UntilAsync(
            async () =>
            {
                try
                {
                    before = await node.PublishAsync(Room, "before"); // the settings take a moment to arrive
                    return false;
                }
                catch (BrokerUnavailableException error)
                {
                    refused = error;
                    return true;
                }
            },
            "publishes are refused",
            _long);
        // It may have ended again: sessions take the setting one after another, and a probe may be answered by one that has not yet.
        await Bounded.Eventually(() => node.Sink.Health.Contains(BrokerHealth.Refusing), _long);
        Assert.False(refused!.IsUnknown);
        Assert.Contains(code, refused.Message, StringComparison.Ordinal);
        Assert.Equal(before, (await node.ReadAsync(Room)).Top);

        foreach (string statement in end.Split("; "))
        {
            await server.AskAsync(end.StartsWith("SET", StringComparison.Ordinal) ? "ALTER SYSTEM RESET default_transaction_read_only" : statement);
        }

        await server.AskAsync("SELECT pg_reload_conf()");
        await node.IsUpAsync();
        Assert.Equal(before with { Offset = before.Offset + 1 }, await node.PublishAtLastAsync(Room, "after"));
        Assert.Equal(BrokerHealth.Up, node.Sink.Health[^1]);
        Assert.DoesNotContain(BrokerHealth.Degraded, node.Sink.Health);
        Assert.NotEmpty(node.Log.Of("PostgresRefuses"));
        Assert.Empty(node.Log.Of("PostgresDown"));
    }

    [Fact]
    public async Task ConnectionLimit_KeepsTheNodeDegraded_WithItsReason_UntilThereIsRoom()
    {
        await using PostgresServer server = await StartServerAsync("max_connections=12", "superuser_reserved_connections=3");
        await server.AskAsync("CREATE ROLE node LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA weir TO node; GRANT USAGE ON SCHEMA weir TO node; "
            + "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA weir TO node; GRANT USAGE ON ALL SEQUENCES IN SCHEMA weir TO node");
        string address = server.ConnectionString.Replace("Username=postgres", "Username=node", StringComparison.Ordinal);
        Node first = await Node.StartAsync(address);
        await using Node second = Node.Start(address);
        await Bounded.Eventually(() => second.Log.Of("PostgresDown").Count == 1, _long);
        Assert.Contains("53300", second.Log.Of("PostgresDown")[0].Message, StringComparison.Ordinal);
        Assert.Equal(BrokerHealth.Up, first.Broker.Health);

        await first.DisposeAsync();

        await second.IsUpAsync();
        await second.PublishAsync(Room, "x");
    }

    [Fact]
    public async Task DatabaseWithoutTheSchema_IsReportedOnce_AndUsedAfterTheMigration()
    {
        await using PostgresServer server = await PostgresServer.StartAsync();
        await using Node node = Node.Start(server.ConnectionString);
        await Bounded.Eventually(() => node.Log.Of("PostgresUnfit").Count > 0, _long);
        await Waiting.PassAsync(TimeSpan.FromMilliseconds(500)); // several attempts
        Assert.Contains("Weir.Host migrate", Assert.Single(node.Log.Of("PostgresUnfit")).Message, StringComparison.Ordinal);

        await PostgresMigration.RunAsync(server.ConnectionString);

        await node.IsUpAsync();
        await node.PublishAsync(Room, "x");
    }

    [Fact]
    public async Task Links_CutWithoutAWord_AreFoundByTheProbe()
    {
        await using PostgresServer server = await StartServerAsync();
        await using TcpProxy proxy = TcpProxy.Start(server.Port);
        await using Node node = await Node.StartAsync(
            server.ConnectionString.Replace($"Port={server.Port}", $"Port={proxy.Port}", StringComparison.Ordinal));
        await node.SubscribeAsync(Room);

        proxy.Freeze(); // connections that are open; new ones pass
        await node.IsDegradedAsync();
        await node.IsUpAsync();

        await node.PublishAtLastAsync(Room, "x");
        await node.Sink.WaitForAsync(Room, 1);
    }

    [Fact]
    public async Task Dispose_WhilePostgresHangs_DoesNotWaitForIt()
    {
        await using PostgresServer server = await StartServerAsync();
        Node node = await Node.StartAsync(server.ConnectionString);
        server.Suspend();
        try
        {
            await node.DisposeAsync().AsTask().Within(TimeSpan.FromSeconds(5));
        }
        finally
        {
            server.Continue();
        }
    }

    [Fact]
    public async Task Password_IsInNoLogAndInNoError()
    {
        await using Node node = Node.Start($"Host=127.0.0.1;Port={RedisServer.FreePort()};Username=u;Password=verysecret;Database=d");

        await Bounded.Eventually(() => node.Log.Of("PostgresDown").Count > 0 && node.Log.Of("PostgresTryFailed").Count > 1, _long);
        BrokerUnavailableException error = await Assert.ThrowsAsync<BrokerUnavailableException>(() => node.PublishAsync(Room, "x"));

        Assert.DoesNotContain(node.Log.Records, static record =>
            $"{record.Message}{record.Exception}".Contains("verysecret", StringComparison.Ordinal));
        Assert.DoesNotContain("verysecret", $"{error}", StringComparison.Ordinal);
    }

    private static async Task<PostgresServer> StartServerAsync(params string[] settings)
    {
        PostgresServer server = await PostgresServer.StartAsync(settings);
        await PostgresMigration.RunAsync(server.ConnectionString);
        return server;
    }

    private static async Task<RoomHistory> ReadAtLastAsync(Node node)
    {
        RoomHistory? history = null;
        await Waiting.UntilAsync(
            async () =>
            {
                try
                {
                    history = await node.ReadAsync(Room);
                    return true;
                }
                catch (BrokerUnavailableException)
                {
                    return false;
                }
            },
            "the history can be read",
            _long);
        return history!;
    }
}
