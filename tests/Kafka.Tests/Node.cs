using Microsoft.Extensions.Logging;
using Weir.Brokers.Kafka.Tests.Mock;
using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Weir.Testing;

namespace Weir.Brokers.Kafka.Tests;

/// <summary>A broker as a node of its own has it, with short times.</summary>
internal sealed class Node : IAsyncDisposable
{
    private Node(KafkaBroker broker, RecordingSink sink, LogProbe log, MetricProbe metrics)
    {
        Broker = broker;
        Sink = sink;
        Log = log;
        Metrics = metrics;
    }

    public KafkaBroker Broker { get; }

    public RecordingSink Sink { get; }

    public LogProbe Log { get; }

    public MetricProbe Metrics { get; }

    public static KafkaOptions OptionsFor(string servers, string topic)
    {
        KafkaOptions options = new()
        {
            BootstrapServers = servers,
            Topic = topic,
            ProbeInterval = TimeSpan.FromMilliseconds(200),
            ProbeTimeout = TimeSpan.FromSeconds(1),
            PublishTimeout = TimeSpan.FromSeconds(2),
            ConnectTimeout = TimeSpan.FromSeconds(1),
        };

        // The mock answers a request for records that are not there yet when its time has passed, not when they come.
        options.Client["fetch.wait.max.ms"] = "5";
        options.Client["reconnect.backoff.max.ms"] = "200";
        return options;
    }

    /// <summary>Starts one, and waits until it is up.</summary>
    public static async Task<Node> StartAsync(string servers, string topic, Action<KafkaOptions>? configure = null)
    {
        Node node = Start(servers, topic, configure);
        await node.IsUpAsync();
        return node;
    }

    public static Task<Node> StartAsync(MockKafka kafka, string topic, Action<KafkaOptions>? configure = null)
        => StartAsync(kafka.BootstrapServers, topic, configure);

    /// <summary>Starts one, and waits for nothing.</summary>
    public static Node Start(string servers, string topic, Action<KafkaOptions>? configure = null)
    {
        KafkaOptions options = OptionsFor(servers, topic);
        configure?.Invoke(options);
        LogProbe log = new(LogLevel.Debug);
        MetricProbe metrics = new();
        KafkaBroker broker = new(options, log, time: null, metrics);
        RecordingSink sink = new("node-" + Guid.NewGuid().ToString("N"));
        Task started = broker.StartAsync(sink, CancellationToken.None);
        return started.IsCompletedSuccessfully ? new Node(broker, sink, log, metrics)
            : throw new InvalidOperationException("A start must not wait for Kafka.");
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
                $"{error.Message}\n{string.Join('\n', Log.Records.TakeLast(10).Select(static record => $"{record.Message} {record.Exception}"))}");
        }
    }

    public Task IsDegradedAsync(TimeSpan? limit = null) => Bounded.Eventually(() => Broker.Health == BrokerHealth.Degraded, limit);

    public Task<StreamPosition> PublishAsync(string room, string text)
        => Broker.PublishAsync(room, text.ToPublication(), RoomRule.Default, CancellationToken.None).Within();

    public Task SubscribeAsync(string room) => Broker.SubscribeAsync(room, CancellationToken.None).Within();

    public async ValueTask DisposeAsync()
    {
        await Broker.DisposeAsync();
        Metrics.Dispose();
    }
}
