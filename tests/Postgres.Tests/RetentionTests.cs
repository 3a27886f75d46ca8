using System.Globalization;
using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Weir.Testing;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Brokers.Postgres.Tests;

/// <summary>What is removed from the tables, and that no position is lost by it. Each test has a database of its own.</summary>
public sealed class RetentionTests(SharedPostgres postgres) : IAsyncLifetime
{
    private const string Room = "room";

    private string _database = "";
    private Node? _node;

    public async ValueTask InitializeAsync()
    {
        _database = await postgres.CreateDatabaseAsync();
        _node = await Node.StartAsync(postgres.Server.ConnectionStringOf(_database), static options =>
            options.RequestTimeout = options.ProbeTimeout = options.ConnectTimeout = TimeSpan.FromSeconds(30));
    }

    public ValueTask DisposeAsync() => _node!.DisposeAsync();

    [Fact]
    public async Task History_BeyondTheSize_IsRemovedWhileItGrows()
    {
        RoomRule rule = Node.Kept with { HistorySize = 10 };
        for (int round = 0; round < 20; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 100).Select(i => _node!.PublishAsync(Room, $"{i}", rule)));
        }

        await Waiting.UntilAsync(
            async () => await CountAsync("history") <= 10 + 16, "at most a part more than the size is kept", TimeSpan.FromSeconds(30));
        RoomHistory history = await _node!.Broker.ReadHistoryAsync(Room, new HistoryQuery(null, -1), rule, default).AsTask().Within();
        Assert.Equal(
            Enumerable.Range(1991, 10).Select(static i => (long)i),
            history.Publications.Select(static publication => publication.Offset));
    }

    [Fact]
    public async Task Sweep_OfExpiredHistory_KeepsTheTop()
    {
        RoomRule rule = Node.Kept with { HistoryTtl = TimeSpan.FromMilliseconds(50) };
        StreamPosition top = default;
        for (int i = 0; i < 5; i++)
        {
            top = await _node!.PublishAsync(Room, $"{i}", rule);
        }

        await Waiting.PassAsync(TimeSpan.FromMilliseconds(60));
        await SweepAsync();

        Assert.Equal(1, await CountAsync("history"));
        RoomHistory history = await _node!.Broker.ReadHistoryAsync(Room, new HistoryQuery(null, -1), rule, default).AsTask().Within();
        Assert.Equal((0, top), (history.Publications.Count, history.Top));
        Assert.Equal(top with { Offset = 6 }, await _node.PublishAsync(Room, "next", rule));
        Assert.Equal(["next"], (await _node.Broker.ReadHistoryAsync(Room, new HistoryQuery(null, -1), rule, default).AsTask().Within())
            .Publications.Select(static publication => publication.Text()));
    }

    [Fact]
    public async Task Sweep_OfARoomUnusedForLong_ForgetsIt_AndItReturnsWithAnotherEpoch()
    {
        StreamPosition before = await _node!.PublishAsync(Room, "x");
        StreamPosition other = await _node.PublishAsync("used", "x");
        await postgres.Server.AskAsync(
            """
            UPDATE weir.room SET used = used - interval '2 days' WHERE name = 'room';
            UPDATE weir.history SET at = at - interval '2 days' WHERE room = (SELECT id FROM weir.room WHERE name = 'room');
            """,
            _database);

        await SweepAsync();

        Assert.Equal(1, await CountAsync("room"));
        StreamPosition after = await _node.PublishAsync(Room, "y");
        Assert.NotEqual(before.Epoch, after.Epoch);
        Assert.Equal(1, after.Offset);
        Assert.Equal(other with { Offset = 2 }, await _node.PublishAsync("used", "y"));
    }

    [Fact]
    public async Task Rotate_EmptiesTheOldestPart_AndTheNumbersGoOn()
    {
        await _node!.SubscribeAsync(Room);
        await _node.PublishAsync(Room, "before");
        await _node.PublishAsync(Room, "before", RoomRule.Default);
        await _node.Sink.WaitForAsync(Room, 2);
        // As if all of it were from the part that is next.
        await postgres.Server.AskAsync(
            "UPDATE weir.announcement SET part = (extract(epoch FROM clock_timestamp())::bigint / 60 + 1) % 3", _database);
        int before = await CountAsync("announcement");

        await postgres.Server.AskAsync("SELECT weir.rotate('')", _database);
        await _node.PublishAsync(Room, "after");
        await _node.PublishAsync(Room, "after", RoomRule.Default);
        await _node.Sink.WaitForAsync(Room, 4);

        Assert.True(before > 2);
        Assert.Equal("0", await postgres.Server.AskAsync(
            "SELECT count(*) FROM weir.announcement WHERE lane = 0 AND seq = 1", _database));
        Assert.Equal([BrokerHealth.Up], _node.Sink.Health); // no announcement was missed
    }

    private Task<string> SweepAsync() => postgres.Server.AskAsync("SELECT weir.sweep(0, 1000)", _database);

    private async Task<int> CountAsync(string table)
        => int.Parse(await postgres.Server.AskAsync($"SELECT count(*) FROM weir.{table}", _database), CultureInfo.InvariantCulture);
}
