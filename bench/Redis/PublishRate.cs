using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using StackExchange.Redis;
using Weir.Brokers.Redis;
using Weir.Brokers.Redis.Scripts;
using Weir.Relay.Brokers;
using Weir.Relay.Wire;

namespace Weir.Bench.Redis;

/// <summary>
/// Publishes with history per second of one process, beside <c>redis-benchmark</c>'s with the same server, script, arguments and
/// number of requests in flight. The server has the first core, its clients the others.
/// Needs redis-server, redis-benchmark and taskset.
/// </summary>
internal static partial class PublishRate
{
    private const int Connections = 4;
    private const int Pipelined = 64;
    private const int Rounds = 10;
    private const int Requests = 150_000;
    private const string Room = "bench";

    /// <summary>Below this share the publishes are the bottleneck, and not Redis.</summary>
    private const double Budget = 0.6;

    private static readonly RoomRule _rule = new() { HistorySize = 100, HistoryTtl = TimeSpan.FromMinutes(5) };
    private static readonly Publication _publication = new() { Data = new byte[64], Node = "bench", NodeSequence = 1 };

    /// <summary>Restarts itself pinned to its cores: a runtime that is pinned later spins for cores that it does not have.</summary>
    public static async Task<int> RunPinnedAsync()
    {
        using Process pinned = Process.Start(
            "taskset",
            [
                "-c", $"1-{Environment.ProcessorCount - 1}",
                Environment.ProcessPath!, typeof(PublishRate).Assembly.Location, "--redis", "--pinned"
            ]);
        await pinned.WaitForExitAsync();
        return pinned.ExitCode;
    }

    public static async Task<int> RunAsync(TextWriter output)
    {
        const int Port = 16379;
        using Process server = Process.Start(
            "taskset", ["-c", "0", "redis-server", "--port", $"{Port}", "--save", "", "--loglevel", "warning"]);
        try
        {
            await using RedisBroker broker = new(new RedisOptions { Configuration = $"127.0.0.1:{Port}" });
            await broker.StartAsync(new DeafSink(), CancellationToken.None);
            while (broker.Health != BrokerHealth.Up)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System);
            }

            List<double> own = [];
            List<double> peers = [];
            await PublishAsync(broker, Requests); // to warm up
            for (int round = 0; round < Rounds; round++)
            {
                long allocated = GC.GetTotalAllocatedBytes();
                TimeSpan processor = Process.GetCurrentProcess().TotalProcessorTime;
                own.Add(await PublishAsync(broker, Requests));
                processor = Process.GetCurrentProcess().TotalProcessorTime - processor;
                allocated = (GC.GetTotalAllocatedBytes() - allocated) / Requests;
                peers.Add(await BenchmarkAsync(Port));
                output.WriteLine(
                    $"publishes/s {own[^1],10:N0}   redis-benchmark {peers[^1],10:N0}   ratio {own[^1] / peers[^1]:F2}   "
                    + $"{allocated} B, {processor.TotalMicroseconds / Requests:F2} us of processor each");
            }

            // Of short rounds some are undisturbed, also on a shared machine.
            double ratio = own.Max() / peers.Max();
            output.WriteLine($"fastest     {own.Max(),10:N0}   redis-benchmark {peers.Max(),10:N0}   ratio {ratio:F2}");
            return ratio >= Budget ? 0 : 1;
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync();
        }
    }

    private static async Task<double> PublishAsync(RedisBroker broker, int count)
    {
        int left = count;
        long start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, Connections * Pipelined).Select(async _ =>
        {
            while (Interlocked.Decrement(ref left) >= 0)
            {
                await broker.PublishAsync(Room, _publication, _rule, CancellationToken.None);
            }
        }));
        return count / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static async Task<double> BenchmarkAsync(int port)
    {
        await using ConnectionMultiplexer connection = await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{port},allowAdmin=true");
        byte[] hash = await connection.GetServers()[0].ScriptLoadAsync(new ScriptSet(isSharded: false).Publish);
        RoomKeys keys = new(NamePrefixes.Of("weir:", database: 0), Room, isSharded: false);
        string body = Encoding.Latin1.GetString(PublicationBody.Encode(_publication)).Replace('\0', 'x');
        using Process benchmark = Process.Start(new ProcessStartInfo("redis-benchmark",
        [
            "-p", $"{port}", "-c", $"{Connections}", "-P", $"{Pipelined}", "-n", $"{Requests}", "--csv",
            "EVALSHA", Convert.ToHexStringLower(hash), "2", keys.Meta!, keys.Stream!,
            body, $"{_rule.HistorySize}", "300000", "86400000", "4503599627370496", keys.Channel!, "1", "0",
        ])
        { RedirectStandardOutput = true })!;
        string text = await benchmark.StandardOutput.ReadToEndAsync();
        await benchmark.WaitForExitAsync();
        Match rate = Rate().Match(text.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]);
        return double.Parse(rate.Groups[1].Value, CultureInfo.InvariantCulture);
    }

    // The name is the whole command; the first quoted number after it is the rate.
    [GeneratedRegex("\",\"([0-9.]+)\",")]
    private static partial Regex Rate();

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
