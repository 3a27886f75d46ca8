using Microsoft.Extensions.Logging;
using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Weir.Testing;
using Weir.TestSupport.Servers;

namespace Weir.Brokers.Nats.Tests;

/// <summary>A broker as a node of its own has it, with short times.</summary>
internal sealed class Node : IAsyncDisposable
{
    public static readonly RoomRule Kept = new() { HistorySize = 1000, HistoryTtl = TimeSpan.FromMinutes(1) };

    private static readonly HistoryQuery _all = new(Since: null, Limit: -1);

    private Node(NatsBroker broker, RecordingSink sink, LogProbe log, MetricProbe metrics)
    {
        Metrics = metrics;
        Broker = broker;
        Sink = sink;
        Log = log;
    }

    public NatsBroker Broker { get; }

    public RecordingSink Sink { get; }

    public LogProbe Log { get; }

    public MetricProbe Metrics { get; }

    /// <summary>Starts one, and waits until it is up.</summary>
    public static async Task<Node> StartAsync(string url, Action<NatsOptions>? configure = null)
    {
        Node node = Start(url, configure);
        await node.IsUpAsync();
        return node;
    }

    /// <summary>Starts one, and waits for nothing.</summary>
    public static Node Start(string url, Action<NatsOptions>? configure = null)
    {
        NatsOptions options = new()
        {
            Url = url,
            ProbeInterval = TimeSpan.FromMilliseconds(200),
            ProbeTimeout = TimeSpan.FromMilliseconds(500),
            RequestTimeout = TimeSpan.FromSeconds(1),
            ConnectTimeout = TimeSpan.FromSeconds(1),
        };
        configure?.Invoke(options);
        LogProbe log = new(LogLevel.Debug);
        MetricProbe metrics = new();
        NatsBroker broker = new(options, log, time: null, metrics);
        RecordingSink sink = new("node-" + Guid.NewGuid().ToString("N"));
        Task started = broker.StartAsync(sink, CancellationToken.None);
        return started.IsCompletedSuccessfully ? new Node(broker, sink, log, metrics)
            : throw new InvalidOperationException("A start must not wait for NATS.");
    }

    public Task IsUpAsync(TimeSpan? limit = null) => IsAsync(BrokerHealth.Up, limit);

    public Task IsDegradedAsync(TimeSpan? limit = null) => IsAsync(BrokerHealth.Degraded, limit);

    public async Task IsAsync(BrokerHealth health, TimeSpan? limit = null)
    {
        try
        {
            await Bounded.Eventually(() => Broker.Health == health, limit);
        }
        catch (TimeoutException error)
        {
            throw new TimeoutException(
                $"{error.Message}\n{string.Join('\n', Log.Records.TakeLast(5).Select(static record => $"{record.Message} {record.Exception}"))}");
        }
    }

    public Task<StreamPosition> PublishAsync(string room, string text, RoomRule? rule = null)
        => Broker.PublishAsync(room, text.ToPublication(), rule ?? Kept, CancellationToken.None).Within();

    /// <summary>Publishes until it succeeds, for servers that are on their way back. What has failed may have been done.</summary>
    public async Task<StreamPosition> PublishAtLastAsync(string room, string text)
    {
        StreamPosition? position = null;
        await Waiting.UntilAsync(
            async () =>
            {
                try
                {
                    position = await PublishAsync(room, text, Kept with { Durable = true });
                    return true;
                }
                catch (BrokerUnavailableException)
                {
                    return false;
                }
            },
            "a publish succeeds");
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
