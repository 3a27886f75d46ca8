using System.Diagnostics;
using Weir.Bench.Brokers;
using Weir.Brokers.Postgres;
using Weir.Brokers.Redis;
using Weir.Relay.Brokers;
using Weir.TestSupport.Servers;

namespace Weir.Bench.Postgres;

/// <summary>
/// Publishes of one process through PostgreSQL beside those through Redis, in turn: with history and without, to one room and to many.
/// The servers have the first core, this process the others. Needs redis-server, PostgreSQL and taskset.
/// </summary>
internal static class BesideRedis
{
    /// <summary>Below this share of Redis's publishes with history something has become slower.</summary>
    private const double Budget = 0.5;

    private static readonly RoomRule _kept = new() { HistorySize = 100, HistoryTtl = TimeSpan.FromMinutes(5) };

    public static async Task<int> RunAsync(TextWriter output)
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using PostgresServer postgres = await PostgresServer.StartAsync("shared_buffers=256MB", "max_wal_size=4GB");
        await PostgresMigration.RunAsync(postgres.ConnectionString);
        BrokerComparison.Pin(redis.ProcessId);
        BrokerComparison.Pin(postgres.ProcessId); // sessions inherit it
        await using RedisBroker first = new(new RedisOptions { Configuration = redis.Address });
        await using PostgresBroker second = new(new PostgresOptions { ConnectionString = postgres.ConnectionString });
        (string Name, IBroker Broker)[] brokers = [("Redis", first), ("PostgreSQL", second)];
        await BrokerComparison.StartAsync(brokers);

        double least = double.PositiveInfinity;
        foreach ((string what, RoomRule rule, int rooms, int inFlight) in ((string, RoomRule, int, int)[])
        [
            ("history, one room, 256 in flight", _kept, 1, 256),
            ("history, 1,000 rooms, 2,048 in flight", _kept, 1000, 2048),
            ("plain, one room, 256 in flight", RoomRule.Default, 1, 256),
            ("plain, 1,000 rooms, 2,048 in flight", RoomRule.Default, 1000, 2048),
        ])
        {
            double ratio = await BrokerComparison.RunAsync(output, what, brokers, rule, rooms, inFlight);
            least = rule.KeepsHistory ? Math.Min(least, ratio) : least;
        }

        output.WriteLine($"history: at least {least:F2} of Redis's");
        return least >= Budget ? 0 : 1;
    }

    /// <summary>Restarts itself pinned to its cores: a runtime that is pinned later spins for cores that it does not have.</summary>
    public static async Task<int> RunPinnedAsync()
    {
        using Process pinned = Process.Start(
            "taskset",
            [
                "-c", $"1-{Environment.ProcessorCount - 1}",
                Environment.ProcessPath!, typeof(BesideRedis).Assembly.Location, "--postgres", "--pinned",
            ]);
        await pinned.WaitForExitAsync();
        return pinned.ExitCode;
    }
}
