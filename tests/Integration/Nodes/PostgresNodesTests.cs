using System.Text.Json;
using Weir.Integration.Relay;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Integration.Nodes;

/// <summary>Two Hosts on one PostgreSQL, and an application that publishes in its own transactions.</summary>
public sealed class PostgresNodesTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Migrate_PreparesTheDatabase_AndMayBeRepeated()
    {
        await using PostgresServer server = await PostgresServer.StartAsync();
        (string, string) address = ("Weir__Postgres__ConnectionString", server.ConnectionString);

        (int first, string created, _) = await HostProcess.RunAsync(["migrate"], address);
        (int second, string unchanged, _) = await HostProcess.RunAsync(["migrate"], address);
        await server.StopFastAsync();
        (int third, _, string error) = await HostProcess.RunAsync(["migrate"], address);

        Assert.Equal((0, 0, 1), (first, second, third));
        Assert.Contains("before: none", created, StringComparison.Ordinal);
        Assert.Contains("already", unchanged, StringComparison.Ordinal);
        Assert.StartsWith("migrate: ", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ConnectionStringThatIsNotValid_EndsTheStart_WithoutRepeatingIt()
    {
        (int exitCode, _, string errors) = await HostProcess.RunAsync(
            [], ("Weir__Broker__Kind", "Postgres"), ("Weir__Postgres__ConnectionString", "Host=h;Password=verysecret;Pooling=false"));

        Assert.Equal(1, exitCode);
        Assert.Contains("Weir:Postgres:ConnectionString", errors, StringComparison.Ordinal);
        Assert.Contains("Pooling", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("verysecret", errors, StringComparison.Ordinal);
    }

    /// <summary>A commit is delivered once to the members of both nodes, a rollback never; both after a message of a member.</summary>
    [Fact]
    public async Task TwoHosts_RelayMembersMessages_AndTransactionsOfAnApplication()
    {
        await using PostgresServer server = await PostgresServer.StartAsync();
        (int migrated, _, _) = await HostProcess.RunAsync(["migrate"], ("Weir__Postgres__ConnectionString", server.ConnectionString));
        Assert.Equal(0, migrated);
        await server.AskAsync("CREATE TABLE orders (id bigint)");
        await using HostProcess one = await StartAsync(server);
        await using HostProcess two = await StartAsync(server);
        using HttpClient ofOne = RelayHost.NewClient(one);
        using HttpClient ofTwo = RelayHost.NewClient(two);
        await Waiting.UntilAsync(
            async () => await ofOne.GetStringAsync("/health/ready").Within() == "Healthy"
                && await ofTwo.GetStringAsync("/health/ready").Within() == "Healthy",
            "both nodes have PostgreSQL",
            _limit);
        using RawClient first = await JoinAsync(one);
        using RawClient second = await JoinAsync(two);

        await first.SendTextAsync("from a member");
        Assert.Equal("from a member", (await second.ReadFrameAsync()).Text);
        await server.AskAsync("BEGIN; INSERT INTO orders VALUES (1); SELECT weir.publish('kept:room', 'undone'); ROLLBACK");
        await server.AskAsync("BEGIN; INSERT INTO orders VALUES (2); SELECT weir.publish('kept:room', 'done'); COMMIT");

        Assert.Equal("done", (await first.ReadFrameAsync()).Text);
        Assert.Equal("done", (await second.ReadFrameAsync()).Text);
        JsonElement history = (await RelayHost.CallAsync(ofTwo, "history", """{"channel":"kept:room","limit":-1}""")).GetProperty("result");
        Assert.Equal(2, history.GetProperty("offset").GetInt64());
        Assert.Equal(2, history.GetProperty("publications").GetArrayLength());
        string metrics = await ofOne.GetStringAsync("/metrics").Within() + await ofTwo.GetStringAsync("/metrics").Within();
        Assert.Contains("weir_postgres_outbox_moved", metrics, StringComparison.Ordinal);
        Assert.Empty(one.Warnings.Concat(two.Warnings));
    }

    // Its Pong shows that the join is complete.
    private static async Task<RawClient> JoinAsync(HostProcess host)
    {
        RawClient client = await host.OpenAsync("/ws?room=kept:room");
        await client.SendFrameAsync(0x9, ReadOnlyMemory<byte>.Empty);
        Assert.Equal(0xA, (await client.ReadFrameAsync()).Opcode);
        return client;
    }

    private static Task<HostProcess> StartAsync(PostgresServer server) => HostProcess.StartAsync(
        ("Weir__Broker__Kind", "Postgres"),
        ("Weir__Postgres__ConnectionString", server.ConnectionString),
        ("Weir__Rooms__0__Pattern", "kept:*"),
        ("Weir__Rooms__0__HistorySize", "100"),
        ("Weir__Api__Key", RelayHost.Key));
}
