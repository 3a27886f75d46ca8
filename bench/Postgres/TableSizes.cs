using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Weir.Brokers.Postgres;
using Weir.Relay.Brokers;
using Weir.TestSupport.Servers;

namespace Weir.Bench.Postgres;

/// <summary>
/// The sizes of the tables and the rate of publishes over minutes: without, during and after another session's long transaction, which
/// keeps every removed row. Needs PostgreSQL.
/// </summary>
internal static class TableSizes
{
    private const int Rooms = 1000;
    private const int InFlight = 256;

    private static readonly RoomRule _kept = new() { HistorySize = 100, HistoryTtl = TimeSpan.FromMinutes(5) };
    private static readonly Publication _publication = new() { Data = new byte[64], Node = "bench", NodeSequence = 1 };
    private static readonly TimeSpan _period = TimeSpan.FromSeconds(30);

    public static async Task<int> RunAsync(TextWriter output)
    {
        await using PostgresServer server = await PostgresServer.StartAsync("shared_buffers=256MB", "max_wal_size=2GB", "autovacuum_naptime=5s");
        await PostgresMigration.RunAsync(server.ConnectionString);
        await using PostgresBroker broker = new(new PostgresOptions { ConnectionString = server.ConnectionString });
        await broker.StartAsync(new DeafSink(), CancellationToken.None);
        while (broker.Health != BrokerHealth.Up)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System);
        }

        output.WriteLine("phase                        publishes/s   history, MB   announcements, MB   rows of history");
        for (int period = 1; period <= 5; period++)
        {
            await MeasureAsync(output, server, broker, "alone");
        }

        await using (NpgsqlConnection other = new(server.ConnectionString))
        {
            await other.OpenAsync();
            await using NpgsqlTransaction transaction = await other.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead);
            await using NpgsqlCommand command = new("SELECT count(*) FROM weir.version", other, transaction);
            await command.ExecuteScalarAsync();
            for (int period = 1; period <= 4; period++)
            {
                await MeasureAsync(output, server, broker, "with a long transaction");
            }
        }

        for (int period = 1; period <= 4; period++)
        {
            await MeasureAsync(output, server, broker, "after it");
        }

        return 0;
    }

    private static async Task MeasureAsync(TextWriter output, PostgresServer server, PostgresBroker broker, string phase)
    {
        long start = Stopwatch.GetTimestamp();
        long count = 0;
        await Task.WhenAll(Enumerable.Range(0, InFlight).Select(async seed =>
        {
            Random random = new(seed);
            while (Stopwatch.GetElapsedTime(start) < _period)
            {
                string room = string.Create(CultureInfo.InvariantCulture, $"room:{random.Next(Rooms)}");
                await broker.PublishAsync(room, _publication, _kept, CancellationToken.None);
                Interlocked.Increment(ref count);
            }
        }));
        double rate = count / Stopwatch.GetElapsedTime(start).TotalSeconds;
        string[] sizes = (await server.AskAsync(
            """
            SELECT pg_total_relation_size('weir.history') / 1048576,
                (SELECT sum(pg_total_relation_size(relid)) / 1048576 FROM pg_partition_tree('weir.announcement') WHERE isleaf)::bigint,
                (SELECT count(*) FROM weir.history)
            """)).Split('|');
        output.WriteLine($"{phase,-25} {rate,14:N0} {sizes[0],13} {sizes[1],19} {sizes[2],17}");
    }
}
