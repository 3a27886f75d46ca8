using System.Diagnostics;
using System.Globalization;
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
    private const int Rounds = 6;
    private const int Requests = 100_000;

    /// <summary>Below this share of Redis's publishes with history something has become slower.</summary>
    private const double Budget = 0.5;

    private static readonly RoomRule _kept = new() { HistorySize = 100, HistoryTtl = TimeSpan.FromMinutes(5) };
    private static readonly Publication _publication = new() { Data = new byte[64], Node = "bench", NodeSequence = 1 };

    public static async Task<int> RunAsync(TextWriter output)
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using PostgresServer postgres = await PostgresServer.StartAsync("shared_buffers=256MB", "max_wal_size=4GB");
        await PostgresMigration.RunAsync(postgres.ConnectionString);
        Pin(redis.ProcessId);
        Pin(postgres.ProcessId); // sessions inherit it
        await using RedisBroker first = new(new RedisOptions { Configuration = redis.Address });
        await using PostgresBroker second = new(new PostgresOptions { ConnectionString = postgres.ConnectionString });
        (string Name, IBroker Broker)[] brokers = [("Redis", first), ("PostgreSQL", second)];
        foreach ((_, IBroker broker) in brokers)
        {
            await broker.StartAsync(new DeafSink(), CancellationToken.None);
            while (broker.Health != BrokerHealth.Up)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System);
            }
        }

        double least = double.PositiveInfinity;
        foreach ((string what, RoomRule rule, int rooms, int inFlight) in (ReadOnlySpan<(string, RoomRule, int, int)>)
        [
            ("history, one room, 256 in flight", _kept, 1, 256),
            ("history, 1,000 rooms, 2,048 in flight", _kept, 1000, 2048),
            ("plain, one room, 256 in flight", RoomRule.Default, 1, 256),
            ("plain, 1,000 rooms, 2,048 in flight", RoomRule.Default, 1000, 2048),
        ])
        {
            double ratio = Compare(output, what, brokers, rule, rooms, inFlight).GetAwaiter().GetResult();
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

    private static async Task<double> Compare(
        TextWriter output, string what, (string Name, IBroker Broker)[] brokers, RoomRule rule, int rooms, int inFlight)
    {
        string[] names = [.. Enumerable.Range(0, rooms).Select(static i => string.Create(CultureInfo.InvariantCulture, $"bench:{i}"))];
        double[] best = new double[brokers.Length];
        double[] processor = new double[brokers.Length];
        Array.Fill(processor, double.PositiveInfinity);
        for (int round = 0; round <= Rounds; round++)
        {
            for (int i = 0; i < brokers.Length; i++)
            {
                TimeSpan before = Process.GetCurrentProcess().TotalProcessorTime;
                double rate = await PublishAsync(brokers[i].Broker, rule, names, inFlight, round == 0 ? Requests / 4 : Requests);
                double each = (Process.GetCurrentProcess().TotalProcessorTime - before).TotalMicroseconds / Requests;
                if (round > 0)
                {
                    // Of short rounds some are undisturbed, also on a shared machine.
                    best[i] = Math.Max(best[i], rate);
                    processor[i] = Math.Min(processor[i], each);
                }
            }
        }

        output.WriteLine(what);
        for (int i = 0; i < brokers.Length; i++)
        {
            output.WriteLine($"  {brokers[i].Name,-12} {best[i],10:N0} publishes/s   {processor[i]:F1} us of this process each");
        }

        output.WriteLine($"  ratio {best[1] / best[0]:F2}");
        return best[1] / best[0];
    }

    private static async Task<double> PublishAsync(IBroker broker, RoomRule rule, string[] rooms, int inFlight, int count)
    {
        int left = count;
        long start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, inFlight).Select(async _ =>
        {
            int number;
            while ((number = Interlocked.Decrement(ref left)) >= 0)
            {
                await broker.PublishAsync(rooms[number % rooms.Length], _publication, rule, CancellationToken.None);
            }
        }));
        return count / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static void Pin(int process)
    {
        using Process taskset = Process.Start(new ProcessStartInfo("taskset", ["-a", "-p", "-c", "0", $"{process}"]) { RedirectStandardOutput = true })!;
        taskset.WaitForExit();
    }

    private sealed class DeafSink : IBrokerSink
    {
        public string NodeId => "bench";

        public void OnPublication(string room, Publication publication, string epoch)
        {
            // There are no subscriptions.
        }

        public void OnPresenceChanged(string room, RoomMember member, bool hasJoined)
        {
            // Nor presence.
        }

        public void OnControl(ReadOnlyMemory<byte> message)
        {
            // There is no other node.
        }

        public void OnHealthChanged(BrokerHealth health)
        {
            // Queried where it matters.
        }
    }
}
