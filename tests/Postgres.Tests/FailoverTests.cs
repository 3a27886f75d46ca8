using System.Globalization;
using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Weir.Testing;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Brokers.Postgres.Tests;

/// <summary>A standby that is promoted, with all publications and without the last ones.</summary>
public sealed class FailoverTests
{
    private const string Room = "room";

    [Fact]
    public async Task StandbyThatHasAll_ContinuesUnderANewEpoch_ThatContinuesTheOldOne()
    {
        await using PostgresServer primary = await StartPrimaryAsync();
        await using PostgresServer standby = await primary.StartStandbyAsync();
        await using Node node = await Node.StartAsync(AddressOf(primary, standby));
        await node.SubscribeAsync(Room);
        StreamPosition first = await node.PublishAsync(Room, "1");
        StreamPosition second = await node.PublishAsync(Room, "2");
        await HasReplicatedAsync(primary, standby);

        await primary.StopImmediateAsync();
        await node.IsDegradedAsync();
        await standby.PromoteAsync();
        await node.IsUpAsync();
        StreamPosition third = await node.PublishAtLastAsync(Room, "3");

        Assert.NotEqual(second.Epoch, third.Epoch);
        Assert.Equal(3, third.Offset);
        RoomHistory sinceFirst = await node.ReadAsync(Room, first);
        Assert.True(sinceFirst.Holds(second));
        Assert.False(sinceFirst.Holds(second with { Offset = 3 }));
        Assert.Equal(["2", "3"], sinceFirst.Publications.Select(static publication => publication.Text()));
    }

    [Fact]
    public async Task StandbyThatLacksTheLast_NeverGivesAnOffsetTwiceUnderOneEpoch()
    {
        await using PostgresServer primary = await StartPrimaryAsync();
        await using PostgresServer standby = await primary.StartStandbyAsync();
        await using Node node = await Node.StartAsync(AddressOf(primary, standby));
        StreamPosition common = await node.PublishAsync(Room, "common");
        await HasReplicatedAsync(primary, standby);
        await standby.StopFollowingAsync();
        StreamPosition lost = await node.PublishAsync(Room, "lost");

        await primary.StopImmediateAsync();
        await standby.PromoteAsync();
        await node.IsUpAsync();
        StreamPosition after = await node.PublishAtLastAsync(Room, "after");

        RoomHistory history = await node.ReadAsync(Room);
        Assert.NotEqual(lost.Epoch, after.Epoch);
        Assert.Equal(lost.Offset, after.Offset); // the same offset, of another epoch
        Assert.True(history.Holds(common));
        Assert.False(history.Holds(lost));
        Assert.Equal(["common", "after"], history.Publications.Select(static publication => publication.Text()));
    }

    [Fact]
    public async Task Standby_IsNotUsed_UntilItIsPromoted()
    {
        await using PostgresServer primary = await StartPrimaryAsync();
        await using PostgresServer standby = await primary.StartStandbyAsync();
        await using Node node = Node.Start(standby.ConnectionString);
        await Bounded.Eventually(() => node.Log.Of("PostgresDown").Count > 0, TimeSpan.FromSeconds(30));
        Assert.Contains("standby", node.Log.Of("PostgresDown")[0].Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<BrokerUnavailableException>(() => node.PublishAsync(Room, "x"));

        await standby.PromoteAsync();

        await node.IsUpAsync();
        await node.PublishAsync(Room, "x");
    }

    private static async Task<PostgresServer> StartPrimaryAsync()
    {
        PostgresServer primary = await PostgresServer.StartAsync("wal_level=replica");
        await PostgresMigration.RunAsync(primary.ConnectionString);
        return primary;
    }

    private static async Task HasReplicatedAsync(PostgresServer primary, PostgresServer standby)
    {
        string position = await primary.AskAsync("SELECT pg_current_wal_flush_lsn()");
        await Waiting.UntilAsync(
            async () => await standby.AskAsync($"SELECT pg_last_wal_replay_lsn() >= '{position}'") == "t", "the standby has all", TimeSpan.FromSeconds(30));
    }

    private static string AddressOf(PostgresServer primary, PostgresServer standby)
        => string.Create(
            CultureInfo.InvariantCulture,
            $"Host=127.0.0.1:{primary.Port},127.0.0.1:{standby.Port};Username=postgres;Database=postgres;SSL Mode=Disable;GSS Encryption Mode=Disable");
}
