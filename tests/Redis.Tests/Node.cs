using Microsoft.Extensions.Logging;
using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Weir.Testing;

namespace Weir.Brokers.Redis.Tests;

/// <summary>A broker as a node of its own has it, with short times.</summary>
internal sealed class Node : IAsyncDisposable
{
    public static readonly RoomRule Kept = new() { HistorySize = 1000, HistoryTtl = TimeSpan.FromMinutes(1) };

    private static readonly HistoryQuery _all = new(Since: null, Limit: -1);

    private Node(RedisBroker broker, RecordingSink sink, LogProbe log, MetricProbe metrics)
    {
        Metrics = metrics;
        Broker = broker;
        Sink = sink;
        Log = log;
    }

    public RedisBroker Broker { get; }

    public RecordingSink Sink { get; }

    public LogProbe Log { get; }

    public MetricProbe Metrics { get; }

    /// <summary>How many masters its metrics show as up.</summary>
    public int MastersUp => (int)Metrics.Sum("weir.redis.master_up");

    /// <summary>Starts one, and waits until it is up.</summary>
    public static async Task<Node> StartAsync(string configuration, Action<RedisOptions>? configure = null)
    {
        Node node = Start(configuration, configure);
        await node.IsUpAsync();
        return node;
    }

    /// <summary>Starts one, without waiting.</summary>
    public static Node Start(string configuration, Action<RedisOptions>? configure = null)
    {
        RedisOptions options = new()
        {
            Configuration = configuration,
            ProbeInterval = TimeSpan.FromMilliseconds(200),
            ProbeTimeout = TimeSpan.FromSeconds(2), // a Redis on a busy machine is not taken for one that hangs
            RequestTimeout = TimeSpan.FromSeconds(1),
            ConnectTimeout = TimeSpan.FromSeconds(1),
        };
        configure?.Invoke(options);
        LogProbe log = new(LogLevel.Debug);
        MetricProbe metrics = new();
        RedisBroker broker = new(options, log, time: null, metrics);
        RecordingSink sink = new("node-" + Guid.NewGuid().ToString("N"));
        Task started = broker.StartAsync(sink, CancellationToken.None);
        return started.IsCompletedSuccessfully ? new Node(broker, sink, log, metrics)
            : throw new InvalidOperationException("A start must not wait for Redis.");
    }

    public async Task IsUpAsync(TimeSpan? limit = null)
    {
        try
        {
            await Bounded.Eventually(() => Broker.Health == BrokerHealth.Up, limit);
        }
        catch (TimeoutException error)
        {
            throw new TimeoutException(
                $"{error.Message}\n{string.Join('\n', Log.Records.TakeLast(5).Select(static record => $"{record.Message} {record.Exception}"))}");
        }
    }

    public Task IsDegradedAsync(TimeSpan? limit = null) => Bounded.Eventually(() => Broker.Health == BrokerHealth.Degraded, limit);

    public Task<StreamPosition> PublishAsync(string room, string text, RoomRule? rule = null)
        => Broker.PublishAsync(room, text.ToPublication(), rule ?? Kept, CancellationToken.None).Within();

    /// <summary>Publishes until it succeeds, for a Redis that is restarting. What has failed may have been done.</summary>
    public async Task<StreamPosition> PublishAtLastAsync(string room, string text)
    {
        StreamPosition? position = null;
        await TestSupport.Servers.Waiting.UntilAsync(
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
            TimeSpan.FromSeconds(20));
        return position!.Value;
    }

    public Task SubscribeAsync(string room) => Broker.SubscribeAsync(room, CancellationToken.None).Within();

    public Task<RoomHistory> ReadAsync(string room, StreamPosition? since = null)
        => Broker.ReadHistoryAsync(room, _all with { Since = since }, Kept, CancellationToken.None).Within();

    public async ValueTask DisposeAsync()
    {
        await Broker.DisposeAsync();
        Metrics.Dispose();
    }
}
