using Weir.Relay.Brokers;
using Weir.Testing;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Brokers.Postgres.Tests;

/// <summary>A pooler between the node and the server.</summary>
public sealed class PoolerTests(SharedPostgres postgres)
{
    [Fact]
    public async Task PgBouncer_IsRefusedByName_AndApplicationsPublishThroughIt()
    {
        string database = await postgres.CreateDatabaseAsync();
        await using PgBouncer bouncer = await PgBouncer.StartAsync(postgres.Server);
        string direct = postgres.Server.ConnectionStringOf(database);
        string pooled = direct.Replace($"Port={postgres.Server.Port}", $"Port={bouncer.Port}", StringComparison.Ordinal);
        await using Node refused = Node.Start(pooled);
        await using Node node = await Node.StartAsync(direct);
        await node.SubscribeAsync("kept:room");

        await Bounded.Eventually(() => refused.Log.Of("PostgresUnfit").Count == 1, TimeSpan.FromSeconds(30));
        await using (Npgsql.NpgsqlConnection application = new(pooled))
        {
            await application.OpenAsync();
            await using Npgsql.NpgsqlCommand publish = new("SELECT weir.publish('kept:room', 'x')", application);
            await publish.ExecuteNonQueryAsync();
        }

        await node.Sink.WaitForAsync("kept:room", 1);
        Assert.Contains("PgBouncer", refused.Log.Of("PostgresUnfit")[0].Message, StringComparison.Ordinal);
        Assert.Equal(BrokerHealth.Degraded, refused.Broker.Health);
    }
}
