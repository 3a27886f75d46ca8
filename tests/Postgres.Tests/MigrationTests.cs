using Npgsql;
using Weir.Testing;
using Xunit;

namespace Weir.Brokers.Postgres.Tests;

/// <summary>The migration, which may run at any time and several times at once.</summary>
public sealed class MigrationTests(SharedPostgres postgres)
{
    [Fact]
    public async Task Run_SeveralTimesAtOnce_IsDoneOnce_AndLaterRunsChangeNothing()
    {
        string database = await CreateEmptyAsync();
        string address = postgres.Server.ConnectionStringOf(database);

        int[] before = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => PostgresMigration.RunAsync(address)))
            .Within(TimeSpan.FromSeconds(60));
        int again = await PostgresMigration.RunAsync(address);

        Assert.Equal([0, .. Enumerable.Repeat(PostgresMigration.Version, 3)], before.Order());
        Assert.Equal(PostgresMigration.Version, again);
        Assert.Equal($"{PostgresMigration.Version}", await postgres.Server.AskAsync("SELECT count(*) FROM weir.version", database));
    }

    [Fact]
    public async Task Run_WhileNodesPublish_DisturbsNothing()
    {
        string database = await postgres.CreateDatabaseAsync();
        await using Node node = await Node.StartAsync(postgres.Server.ConnectionStringOf(database));
        await node.PublishAsync("room", "1");

        await PostgresMigration.RunAsync(postgres.Server.ConnectionStringOf(database));

        Assert.Equal(2, (await node.PublishAsync("room", "2")).Offset);
        Assert.Single(node.Sink.Health);
    }

    [Fact]
    public async Task Run_OnANewerSchema_IsRefused()
    {
        string database = await postgres.CreateDatabaseAsync();
        await postgres.Server.AskAsync($"INSERT INTO weir.version VALUES ({PostgresMigration.Version + 1})", database);

        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(
            () => PostgresMigration.RunAsync(postgres.Server.ConnectionStringOf(database)));

        Assert.Contains("newer", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_OnADatabaseThatIsNotUtf8_IsRefused()
    {
        string database = "latin_" + Guid.NewGuid().ToString("N");
        await postgres.Server.AskAsync($"CREATE DATABASE {database} ENCODING 'LATIN1' TEMPLATE template0");

        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(
            () => PostgresMigration.RunAsync(postgres.Server.ConnectionStringOf(database)));

        Assert.Contains("UTF8", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_ThatFails_LeavesNothing()
    {
        string database = await CreateEmptyAsync();
        await postgres.Server.AskAsync("CREATE SCHEMA weir; CREATE TABLE weir.history (mine integer)", database);

        await Assert.ThrowsAsync<PostgresException>(() => PostgresMigration.RunAsync(postgres.Server.ConnectionStringOf(database)));

        Assert.Equal("history", await postgres.Server.AskAsync(
            "SELECT string_agg(relname, ',') FROM pg_class WHERE relnamespace = 'weir'::regnamespace AND relkind = 'r'", database));
    }

    private async Task<string> CreateEmptyAsync()
    {
        string database = "empty_" + Guid.NewGuid().ToString("N");
        await postgres.Server.AskAsync($"CREATE DATABASE {database}");
        return database;
    }
}
