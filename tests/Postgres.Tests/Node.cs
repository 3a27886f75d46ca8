using Microsoft.Extensions.Logging;
using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Weir.Testing;
using Weir.TestSupport.Servers;

namespace Weir.Brokers.Postgres.Tests;

/// <summary>A broker as a node of its own has it, with short times.</summary>
internal sealed class Node : IAsyncDisposable
{
    public static readonly RoomRule Kept = new() { HistorySize = 10_000, HistoryTtl = TimeSpan.FromMinutes(1) };

    private static readonly HistoryQuery _all = new(Since: null, Limit: -1);

    private Node(PostgresBroker broker, RecordingSink sink, LogProbe log, MetricProbe metrics)
    {
        Metrics = metrics;
        Broker = broker;
        Sink = sink;
        Log = log;
    }

    public PostgresBroker Broker { get; }

    public RecordingSink Sink { get; }

    public LogProbe Log { get; }

    public MetricProbe Metrics { get; }

    /// <summary>Starts one, and waits until it is up.</summary>
    public static async Task<Node> StartAsync(string connectionString, Action<PostgresOptions>? configure = null)
    {
        Node node = Start(connectionString, configure);
        await node.IsUpAsync();
        return node;
    }

    /// <summary>Starts one, and waits for nothing.</summary>
    public static Node Start(string connectionString, Action<PostgresOptions>? configure = null)
    {
        PostgresOptions options = new()
        {
            ConnectionString = connectionString,
            ProbeInterval = TimeSpan.FromMilliseconds(200),
            ProbeTimeout = TimeSpan.FromSeconds(1),
            RequestTimeout = TimeSpan.FromSeconds(1),
            ConnectTimeout = TimeSpan.FromSeconds(2),
            OutboxInterval = TimeSpan.FromMilliseconds(20),
        };
        configure?.Invoke(options);
        LogProbe log = new(LogLevel.Debug);
        MetricProbe metrics = new();
        PostgresBroker broker = new(options, log, time: null, metrics);
        RecordingSink sink = new("node-" + Guid.NewGuid().ToString("N"))
        {
            Rules = new RoomRules(Kept with { Pattern = "kept:*" }),
        };
        Task started = broker.StartAsync(sink, CancellationToken.None);
        return started.IsCompletedSuccessfully ? new Node(broker, sink, log, metrics)
            : throw new InvalidOperationException("A start must not wait for PostgreSQL.");
    }

    public async Task IsUpAsync(TimeSpan? limit = null)
    {
        try
        {
            await Bounded.Eventually(() => Broker.Health == BrokerHealth.Up, limit ?? TimeSpan.FromSeconds(30));
        }
        catch (TimeoutException error)
        {
            throw new TimeoutException(
                $"{error.Message}\n{string.Join('\n', Log.Records.TakeLast(5).Select(static record => $"{record.Message} {record.Exception}"))}");
        }
    }

    public Task IsDegradedAsync(TimeSpan? limit = null)
        => Bounded.Eventually(() => Broker.Health == BrokerHealth.Degraded, limit ?? TimeSpan.FromSeconds(30));

    public Task<StreamPosition> PublishAsync(string room, string text, RoomRule? rule = null)
        => Broker.PublishAsync(room, text.ToPublication(), rule ?? Kept, CancellationToken.None).AsTask().Within();

    /// <summary>Publishes until it succeeds, for a server that is about to return. What has failed may have been done.</summary>
    public async Task<StreamPosition> PublishAtLastAsync(string room, string text)
    {
        StreamPosition? position = null;
        await Waiting.UntilAsync(
            async () =>
            {
                try
                {
                    position = await PublishAsync(room, text);
                    return true;
                }
                catch (BrokerUnavailableException)
                {
                    return false;
                }
            },
            "a publish succeeds",
            TimeSpan.FromSeconds(30));
        return position!.Value;
    }

    public Task SubscribeAsync(string room) => Broker.SubscribeAsync(room, CancellationToken.None).AsTask().Within();

    public Task<RoomHistory> ReadAsync(string room, StreamPosition? since = null)
        => Broker.ReadHistoryAsync(room, _all with { Since = since }, Kept, CancellationToken.None).AsTask().Within();

    public async ValueTask DisposeAsync()
    {
        await Broker.DisposeAsync();
        Metrics.Dispose();
    }
}
