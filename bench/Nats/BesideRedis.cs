using System.Diagnostics;
using System.Globalization;
using Weir.Bench.Brokers;
using Weir.Brokers.Nats;
using Weir.Brokers.Redis;
using Weir.Relay.Brokers;
using Weir.TestSupport.Servers;

namespace Weir.Bench.Nats;

/// <summary>
/// Publishes and recoveries of one process through NATS beside those through Redis, in turn. The servers have the first core, this process
/// the others. Needs redis-server, nats-server and taskset.
/// </summary>
internal static class BesideRedis
{
    private const int Clients = 1000;
    private const int Missed = 50;
    private const int Rounds = 6;

    /// <summary>Below this share of Redis's publishes something has become slower.</summary>
    private const double Budget = 0.8;

    private static readonly RoomRule _kept = new() { HistorySize = 100, HistoryTtl = TimeSpan.FromMinutes(5) };

    public static async Task<int> RunAsync(TextWriter output)
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using NatsServer nats = await NatsServer.StartAsync();
        BrokerComparison.Pin(redis.ProcessId);
        BrokerComparison.Pin(nats.ProcessId);
        await using RedisBroker first = new(new RedisOptions { Configuration = redis.Address });
        await using NatsBroker second = new(new NatsOptions { Url = nats.Url, RequestTimeout = TimeSpan.FromMinutes(1) });
        (string Name, IBroker Broker)[] brokers = [("Redis", first), ("NATS", second)];
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
            least = Math.Min(least, await BrokerComparison.RunAsync(output, what, brokers, rule, rooms, inFlight));
        }

        foreach (int rooms in (int[])[20, Clients])
        {
            await RecoverAsync(output, brokers, rooms);
        }

        output.WriteLine($"publishes: at least {least:F2} of Redis's");
        return least >= Budget ? 0 : 1;
    }

    /// <summary>Restarts itself pinned to its cores: a runtime that is pinned later spins for cores that it does not have.</summary>
    public static async Task<int> RunPinnedAsync()
    {
        using Process pinned = Process.Start(
            "taskset",
            [
                "-c", $"1-{Environment.ProcessorCount - 1}",
                Environment.ProcessPath!, typeof(BesideRedis).Assembly.Location, "--nats", "--pinned",
            ]);
        await pinned.WaitForExitAsync();
        return pinned.ExitCode;
    }

    // Each client's read of what it has missed, all at the same time.
    private static async Task RecoverAsync(TextWriter output, (string Name, IBroker Broker)[] brokers, int rooms)
    {
        string[] names = [.. Enumerable.Range(0, rooms).Select(i => string.Create(CultureInfo.InvariantCulture, $"recovery-{rooms}:{i}"))];
        Publication publication = new() { Data = new byte[64] };
        double[] best = new double[brokers.Length];
        double[] cold = new double[brokers.Length]; // the first, when nothing is cached
        Array.Fill(best, double.PositiveInfinity);
        foreach ((_, IBroker broker) in brokers)
        {
            // One after another in each room, as a conversation is: a message of the stream for each.
            await Task.WhenAll(names.Select(async room =>
            {
                for (int i = 0; i < 2 * Missed; i++)
                {
                    await broker.PublishAsync(room, publication, _kept, CancellationToken.None);
                }
            }));
        }

        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < brokers.Length; i++)
            {
                IBroker broker = brokers[i].Broker;
                long start = Stopwatch.GetTimestamp();
                RoomHistory[] read = await Task.WhenAll(Enumerable.Range(0, Clients).Select(client => broker.ReadHistoryAsync(
                    names[client % rooms], new HistoryQuery(new StreamPosition("", Missed), -1), _kept, CancellationToken.None).AsTask()));
                double elapsed = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                cold[i] = round == 0 ? elapsed : cold[i];
                best[i] = Math.Min(best[i], elapsed);
                if (read.Any(static history => history.Publications.Count != Missed))
                {
                    throw new InvalidOperationException($"{brokers[i].Name} has not read what was missed.");
                }
            }
        }

        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"recovery of {Clients} clients in {rooms} rooms, {Missed} missed each: Redis {best[0]:F0} ms, NATS {best[1]:F0} ms, ratio {best[1] / best[0]:F2}, cold {cold[0]:F0} and {cold[1]:F0} ms"));
    }
}
