using Npgsql;
using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Weir.Testing;
using Xunit;

namespace Weir.Brokers.Postgres.Tests;

/// <summary>Publishing within an application's own transaction. Each test has a database of its own, and so nodes of its own.</summary>
public sealed class OutboxTests(SharedPostgres postgres) : IAsyncLifetime
{
    private const string Room = "kept:orders";

    private string _database = "";
    private Node? _node;

    private Node Listener => _node!;

    public async ValueTask InitializeAsync()
    {
        _database = await postgres.CreateDatabaseAsync();
        await postgres.Server.AskAsync("CREATE TABLE orders (id bigint PRIMARY KEY)", _database);
        _node = await StartAsync();
        await _node.SubscribeAsync(Room);
    }

    public ValueTask DisposeAsync() => _node!.DisposeAsync();

    [Fact]
    public async Task Commit_IsAnnouncedOnce_Rollback_Never()
    {
        await using NpgsqlConnection application = await ConnectAsync();
        await using (NpgsqlTransaction undone = await application.BeginTransactionAsync())
        {
            await ExecuteAsync(application, $"INSERT INTO orders VALUES (1); SELECT weir.publish('{Room}', 'undone')");
            await undone.RollbackAsync();
        }

        await using (NpgsqlTransaction done = await application.BeginTransactionAsync())
        {
            await ExecuteAsync(application, $"INSERT INTO orders VALUES (2); SELECT weir.publish('{Room}', 'done', 'key')");
            await done.CommitAsync();
        }

        await ExecuteAsync(application, $"SELECT weir.publish('{Room}', 'last')");
        await Listener.Sink.WaitForAsync(Room, 2);

        Assert.Equal(["done", "last"], Listener.Sink.TextsOf(Room));
        Publication first = Listener.Sink.PublicationsOf(Room)[0].Publication;
        Assert.Equal((1L, "key", null), (first.Offset, first.Key, first.Node));
        Assert.Equal(["done", "last"], (await Listener.ReadAsync(Room)).Publications.Select(static publication => publication.Text()));
        Assert.Equal("0", await postgres.Server.AskAsync("SELECT count(*) FROM weir.outbox", _database));
    }

    [Fact]
    public async Task PublishInAnOpenTransaction_BlocksNone_AndIsNumberedAtItsCommit()
    {
        await using NpgsqlConnection slow = await ConnectAsync();
        await using NpgsqlConnection quick = await ConnectAsync();
        await using NpgsqlTransaction open = await slow.BeginTransactionAsync();
        await ExecuteAsync(slow, $"SELECT weir.publish('{Room}', 'slow'); SELECT weir.publish('{Room}', 'slow too')");

        await ExecuteAsync(quick, $"SELECT weir.publish('{Room}', 'quick')");
        await Listener.Sink.WaitForAsync(Room, 1);
        StreamPosition ofNode = await Listener.PublishAsync(Room, "of a node");
        await open.CommitAsync();
        await Listener.Sink.WaitForAsync(Room, 4);

        Assert.Equal(2, ofNode.Offset);
        Assert.Equal(["quick", "of a node", "slow", "slow too"], Listener.Sink.TextsOf(Room));
        Assert.Equal([1, 2, 3, 4], Listener.Sink.PublicationsOf(Room).Select(static each => each.Publication.Offset));
    }

    /// <summary>Within one batch the order of the commits differs from that of the statements.</summary>
    [Fact]
    public async Task TransactionsThatCommitInAnotherOrderThanTheyPublished_AreInTheOrderOfTheCommits()
    {
        // No node moves them until all are committed.
        await Listener.DisposeAsync();
        NpgsqlConnection[] applications = [await ConnectAsync(), await ConnectAsync(), await ConnectAsync()];
        List<NpgsqlTransaction> transactions = [];
        for (int i = 0; i < applications.Length; i++)
        {
            transactions.Add(await applications[i].BeginTransactionAsync());
            await ExecuteAsync(applications[i], $"SELECT weir.publish('{Room}', '{i}')");
        }

        foreach (int i in (int[])[2, 0, 1])
        {
            await transactions[i].CommitAsync();
            await applications[i].DisposeAsync();
        }

        await using Node node = await StartAsync();
        await node.SubscribeAsync(Room);
        await Bounded.Eventually(() => node.Metrics.Sum("weir.postgres.outbox_moved") >= 3, TimeSpan.FromSeconds(30));

        Assert.Equal(["2", "0", "1"], (await node.ReadAsync(Room)).Publications.Select(static publication => publication.Text()));
    }

    /// <summary>The mover does not read what it has moved again and again; what may still appear before it stays within its view.</summary>
    [Fact]
    public async Task TurnTakenLongBeforeTheCommit_IsMovedAfterIt_ThoughLaterTurnsWereMovedMeanwhile()
    {
        await using NpgsqlConnection slow = await ConnectAsync();
        await using NpgsqlConnection quick = await ConnectAsync();
        await using NpgsqlTransaction open = await slow.BeginTransactionAsync();
        await ExecuteAsync(slow, $"SELECT weir.publish('{Room}', 'slow'); SET CONSTRAINTS ALL IMMEDIATE");
        for (int i = 1; i <= 10; i++)
        {
            await ExecuteAsync(quick, $"SELECT weir.publish('{Room}', '{i}')");
            await Listener.Sink.WaitForAsync(Room, i);
        }

        await open.CommitAsync();
        await Listener.Sink.WaitForAsync(Room, 11);

        Assert.Equal("slow", Listener.Sink.TextsOf(Room)[^1]);
        Assert.Equal(11, Listener.Sink.PublicationsOf(Room)[^1].Publication.Offset);
    }

    [Theory]
    [InlineData("REPEATABLE READ")]
    [InlineData("SERIALIZABLE")]
    public async Task OtherIsolation_IsNoConflictBetweenTwoPublishersOfARoom(string isolation)
    {
        await using NpgsqlConnection one = await ConnectAsync();
        await using NpgsqlConnection two = await ConnectAsync();
        foreach (NpgsqlConnection application in (NpgsqlConnection[])[one, two])
        {
            await ExecuteAsync(application, $"BEGIN ISOLATION LEVEL {isolation}; SELECT count(*) FROM orders");
        }

        await ExecuteAsync(one, $"SELECT weir.publish('{Room}', 'one'); SELECT weir.publish('plain', 'one')");
        await ExecuteAsync(two, $"SELECT weir.publish('plain', 'two'); SELECT weir.publish('{Room}', 'two')"); // no deadlock
        await ExecuteAsync(two, "COMMIT");
        await ExecuteAsync(one, "COMMIT");
        await Listener.Sink.WaitForAsync(Room, 2);

        Assert.Equal(["two", "one"], Listener.Sink.TextsOf(Room));
    }

    [Fact]
    public async Task RoomWithoutHistory_IsAnnouncedOnceToo_AndBinaryStaysBinary()
    {
        await Listener.SubscribeAsync("plain");
        await using NpgsqlConnection application = await ConnectAsync();

        await ExecuteAsync(application, "SELECT weir.publish('plain', 'text'); SELECT weir.publish_binary('plain', '\\xff00')");
        await Listener.Sink.WaitForAsync("plain", 2);

        Assert.Equal([0, 0], Listener.Sink.PublicationsOf("plain").Select(static each => each.Publication.Offset));
        Publication binary = Listener.Sink.PublicationsOf("plain")[1].Publication;
        Assert.Equal(Weir.Protocol.MessageKind.Binary, binary.Kind);
        Assert.Equal(new byte[] { 0xff, 0 }, binary.Data.ToArray());
    }

    [Theory]
    [InlineData("INSERT INTO weir.outbox (room, data) VALUES ('', 'x')")]
    [InlineData("INSERT INTO weir.outbox (room, data) VALUES ('r', '\\xff')")]
    [InlineData("SELECT weir.publish('r', NULL)")]
    public async Task RowThatNoClientCouldRead_IsRefusedWithItsTransaction(string sql)
    {
        await using NpgsqlConnection application = await ConnectAsync();

        await Assert.ThrowsAsync<PostgresException>(() => ExecuteAsync(application, "INSERT INTO orders VALUES (9); " + sql));

        Assert.Equal("0", await postgres.Server.AskAsync("SELECT count(*) FROM orders", _database));
    }

    [Fact]
    public async Task ApplicationsRole_NeedsNothingButThePublish()
    {
        string role = "shop_" + Guid.NewGuid().ToString("N");
        await postgres.Server.AskAsync(
            $"CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA weir TO {role}; GRANT EXECUTE ON FUNCTION weir.publish, weir.wake TO {role}", _database);
        await using NpgsqlConnection application = await ConnectAsync(role);

        await ExecuteAsync(application, $"SELECT weir.publish('{Room}', 'x')");
        await ExecuteAsync(application, "SELECT weir.wake()");
        PostgresException refused = await Assert.ThrowsAsync<PostgresException>(() => ExecuteAsync(application, "DELETE FROM weir.outbox"));
        await Listener.Sink.WaitForAsync(Room, 1);

        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refused.SqlState);
    }

    [Fact]
    public async Task Wake_MovesTheOutboxWithoutWaitingForTheInterval()
    {
        await Listener.DisposeAsync();
        await using Node node = await StartAsync(static options => options.OutboxInterval = TimeSpan.FromMinutes(10));
        await node.SubscribeAsync(Room);
        await using NpgsqlConnection application = await ConnectAsync();
        await ExecuteAsync(application, $"SELECT weir.publish('{Room}', 'x')");

        // The lease may still be with the node that has ended, for two seconds.
        await Bounded.Eventually(() =>
        {
            ExecuteAsync(application, "SELECT weir.wake()").GetAwaiter().GetResult();
            return node.Sink.TextsOf(Room).Count > 0;
        });

        Assert.Equal(["x"], node.Sink.TextsOf(Room));
    }

    /// <summary>Every publication once and in one order, whichever node moves it and however often the mover changes.</summary>
    [Fact]
    public async Task ManyTransactionsOfWhichSomeFail_WhileTheMoverChanges_AreAllAnnouncedOnceInOneOrder()
    {
        const int Writers = 8;
        const int Each = 100;
        Task[] writers = [.. Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            await using NpgsqlConnection application = await ConnectAsync();
            for (int i = 0; i < Each; i++)
            {
                await using NpgsqlTransaction transaction = await application.BeginTransactionAsync();
                await ExecuteAsync(application, $"INSERT INTO orders VALUES ({(writer * Each) + i}); SELECT weir.publish('{Room}', '{writer} {i}')");
                await (i % 7 == 3 ? transaction.RollbackAsync() : transaction.CommitAsync());
            }
        }))];
        Task written = Task.WhenAll(writers);
        while (!written.IsCompleted)
        {
            await using Node passing = await StartAsync();
            await Weir.TestSupport.Servers.Waiting.PassAsync(TimeSpan.FromMilliseconds(300)); // it may take the lease, and gives it up
        }

        await written.Within(TimeSpan.FromSeconds(60));
        int expected = Writers * Enumerable.Range(0, Each).Count(static i => i % 7 != 3);
        await Bounded.Eventually(() => Listener.Sink.Count >= expected, TimeSpan.FromSeconds(60));
        Assert.Equal(
            Enumerable.Range(1, expected).Select(static i => (long)i),
            Listener.Sink.PublicationsOf(Room).Select(static each => each.Publication.Offset));
        Assert.Equal(expected, Listener.Sink.TextsOf(Room).Distinct().Count());
        for (int writer = 0; writer < Writers; writer++)
        {
            Assert.Equal(
                Enumerable.Range(0, Each).Where(static i => i % 7 != 3).Select(i => $"{writer} {i}"),
                Listener.Sink.TextsOf(Room).Where(text => text.StartsWith($"{writer} ", StringComparison.Ordinal)));
        }

    }

    private Task<Node> StartAsync(Action<PostgresOptions>? configure = null)
        => Node.StartAsync(postgres.Server.ConnectionStringOf(_database), options =>
        {
            options.RequestTimeout = options.ProbeTimeout = options.ConnectTimeout = TimeSpan.FromSeconds(30);
            configure?.Invoke(options);
        });

    private async Task<NpgsqlConnection> ConnectAsync(string? role = null)
    {
        NpgsqlConnectionStringBuilder builder = new(postgres.Server.ConnectionStringOf(_database)) { Pooling = false };
        builder.Username = role ?? builder.Username;
        NpgsqlConnection connection = new(builder.ConnectionString);
        await connection.OpenAsync();
        return connection;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using NpgsqlCommand command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }
}
