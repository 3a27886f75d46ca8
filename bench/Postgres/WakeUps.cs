using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Weir.Brokers.Postgres;
using Weir.Relay.Brokers;
using Weir.TestSupport.Servers;

namespace Weir.Bench.Postgres;

/// <summary>
/// An application's transactions that publish, by the way in which the node learns of them: transactions per second of 16 sessions and
/// of one, beside the same without a publication, and the time from the statement to the announcement. Needs PostgreSQL with pgbench.
/// </summary>
internal static partial class WakeUps
{
    private const int Seconds = 6;
    private const int Rounds = 3;
    private const string Insert = "INSERT INTO orders (total) VALUES (1);\n";
    private const string Publish = "SELECT weir.publish('room', (extract(epoch FROM clock_timestamp()) * 1000000)::bigint::text);\n";

    private static readonly (string Name, string Script)[] _ways =
    [
        ("no publication", $"BEGIN;\n{Insert}COMMIT;\n"),
        ("outbox, read every 50 ms", $"BEGIN;\n{Insert}{Publish}COMMIT;\n"),
        ("outbox, weir.wake() after the COMMIT", $"BEGIN;\n{Insert}{Publish}COMMIT;\nSELECT weir.wake();\n"),
        ("outbox, NOTIFY in the transaction", $"BEGIN;\n{Insert}{Publish}SELECT weir.wake();\nCOMMIT;\n"),
        ("logical decoding of a message", $"BEGIN;\n{Insert}SELECT pg_logical_emit_message(true, 'weir', "
            + "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint::text);\nCOMMIT;\n"),
    ];

    public static async Task<int> RunAsync(TextWriter output)
    {
        await using PostgresServer server = await PostgresServer.StartAsync("shared_buffers=128MB", "wal_level=logical", "max_wal_size=4GB");
        await PostgresMigration.RunAsync(server.ConnectionString);
        await server.AskAsync("CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, total numeric)");
        await using PostgresBroker broker = new(new PostgresOptions { ConnectionString = server.ConnectionString });
        ClockSink sink = new();
        await broker.StartAsync(sink, CancellationToken.None);
        while (broker.Health != BrokerHealth.Up)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System);
        }

        await broker.SubscribeAsync("room", CancellationToken.None);
        foreach (int sessions in (int[])[16, 1])
        {
            double[] best = new double[_ways.Length];
            List<double>[] delays = [.. _ways.Select(static _ => new List<double>())];
            for (int round = 0; round < Rounds; round++)
            {
                for (int way = 0; way < _ways.Length; way++)
                {
                    sink.Delays.Clear();
                    bool isDecoded = way == _ways.Length - 1;
                    using Process? decoder = isDecoded ? await StartDecoderAsync(server, sink) : null;
                    best[way] = Math.Max(best[way], await RunPgbenchAsync(server, sessions, _ways[way].Script));
                    await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System);
                    delays[way].AddRange(sink.Delays);
                    if (decoder is not null)
                    {
                        decoder.Kill();
                        await decoder.WaitForExitAsync();
                        await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System);
                        await server.AskAsync("SELECT pg_drop_replication_slot('bench')");
                    }
                }
            }

            output.WriteLine($"{sessions} sessions                              tx/s   ratio   delay p50 / p99, ms");
            for (int way = 0; way < _ways.Length; way++)
            {
                delays[way].Sort();
                string delay = delays[way].Count == 0 ? "-" : $"{At(delays[way], 0.5):F1} / {At(delays[way], 0.99):F1}";
                output.WriteLine($"  {_ways[way].Name,-38} {best[way],8:N0}   {best[way] / best[0]:F2}   {delay}");
            }
        }

        return 0;
    }

    private static double At(List<double> sorted, double share) => sorted[(int)((sorted.Count - 1) * share)];

    private static async Task<double> RunPgbenchAsync(PostgresServer server, int sessions, string script)
    {
        string path = Path.GetTempFileName();
        await File.WriteAllTextAsync(path, script);
        using Process pgbench = Process.Start(new ProcessStartInfo("pgbench",
        [
            "-h", "127.0.0.1", "-p", $"{server.Port}", "-U", "postgres", "-n", "-c", $"{sessions}", "-j", "2", "-T", $"{Seconds}",
            "-M", "prepared", "-f", path, "postgres",
        ])
        { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> errors = pgbench.StandardError.ReadToEndAsync();
        string text = await pgbench.StandardOutput.ReadToEndAsync();
        await pgbench.WaitForExitAsync();
        File.Delete(path);
        Match rate = Rate().Match(text);
        return rate.Success
            ? double.Parse(rate.Groups[1].Value, CultureInfo.InvariantCulture)
            : throw new InvalidOperationException(text + await errors);
    }

    private static async Task<Process> StartDecoderAsync(PostgresServer server, ClockSink sink)
    {
        await server.AskAsync("SELECT pg_create_logical_replication_slot('bench', 'test_decoding')");
        Process decoder = Process.Start(new ProcessStartInfo("pg_recvlogical",
        [
            "-h", "127.0.0.1", "-p", $"{server.Port}", "-U", "postgres", "-d", "postgres", "-S", "bench", "--start", "-f", "-", "-F", "0",
        ])
        { RedirectStandardOutput = true })!;
        _ = Task.Run(async () =>
        {
            while (await decoder.StandardOutput.ReadLineAsync() is { } line)
            {
                if (line.StartsWith("message:", StringComparison.Ordinal))
                {
                    sink.Note(line.AsSpan(line.LastIndexOf(':') + 1));
                }
            }
        });
        return decoder;
    }

    [GeneratedRegex("tps = ([0-9.]+)")]
    private static partial Regex Rate();

    // The server's clock is this machine's.
    private sealed class ClockSink : IBrokerSink
    {
        private static readonly RoomRule _kept = new() { HistorySize = 100, HistoryTtl = TimeSpan.FromMinutes(5) };

        public ConcurrentBag<double> Delays { get; } = [];

        public string NodeId => "bench";

        public RoomRule RuleOf(string room) => _kept;

        public void Note(ReadOnlySpan<char> sent)
        {
            long now = (TimeProvider.System.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
            Delays.Add((now - long.Parse(sent, CultureInfo.InvariantCulture)) / 1000.0);
        }

        public void OnPublication(string room, Publication publication, string epoch)
            => Note(Encoding.UTF8.GetString(publication.Data.Span));

        public void OnPresenceChanged(string room, RoomMember member, bool hasJoined)
        {
            // None is set.
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
