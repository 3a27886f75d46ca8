using System.Globalization;
using Confluent.Kafka;
using Weir.Brokers.Kafka.Log;

namespace Weir.Brokers.Kafka;

/// <summary>The properties of the clients of librdkafka: those on which order and delivery depend, and those of the operator.</summary>
internal sealed class ClientConfigs
{
    // Properties that the broker sets itself, each with the reason or the option that sets it.
    private static readonly Dictionary<string, string> _setHere = new(StringComparer.Ordinal)
    {
        ["bootstrap.servers"] = "BootstrapServers sets it",
        ["metadata.broker.list"] = "BootstrapServers sets it",
        ["enable.idempotence"] = "without it messages are repeated",
        ["acks"] = "a publication is acknowledged by all replicas in sync",
        ["request.required.acks"] = "a publication is acknowledged by all replicas in sync",
        ["message.timeout.ms"] = "PublishTimeout sets it",
        ["delivery.timeout.ms"] = "PublishTimeout sets it",
        ["queue.buffering.max.messages"] = "MaxPending sets it",
        ["queue.buffering.max.kbytes"] = "MaxPendingBytes sets it",
        ["transactional.id"] = "publications are not in transactions",
        ["partitioner"] = "a room's partition is the same on all nodes",
        ["auto.offset.reset"] = "it would skip or repeat records silently",
        ["enable.auto.commit"] = "offsets are not committed",
        ["enable.auto.offset.store"] = "offsets are not committed",
        ["enable.partition.eof"] = "it is not used",
        ["isolation.level"] = "transactions of others must not delay announcements",
        ["allow.auto.create.topics"] = "the topic is created by an operator",
        ["test.mock.num.brokers"] = "it would replace Kafka",
    };

    private static readonly string[] _secretParts = ["password", "secret", "pem", "jaas", "key", "token", "config"];

    private readonly KafkaOptions _options;
    private readonly Dictionary<string, string> _common = new(StringComparer.Ordinal);

    /// <exception cref="ArgumentException">An option is wrong; the message does not repeat the value of a property.</exception>
    public ClientConfigs(KafkaOptions options)
    {
        _options = options;
        if (string.IsNullOrWhiteSpace(options.BootstrapServers))
        {
            throw new ArgumentException("BootstrapServers names no broker: set it to host:port, several separated by commas.");
        }

        if (!IsTopic(options.Topic))
        {
            throw new ArgumentException(
                "Topic is no name of a topic: 1 to 249 letters, digits, dots, underscores and hyphens, other than . and ..");
        }

        foreach ((string name, string value) in options.Client)
        {
            string property = name.Replace('_', '.');
            if (_setHere.TryGetValue(property, out string? reason))
            {
                throw new ArgumentException($"The client property {property} is not accepted: {reason}.");
            }

            _common[property] = value;
        }

        _common["bootstrap.servers"] = options.BootstrapServers;
        _common.TryAdd("client.id", "weir");
        // A connection that a firewall has forgotten would hold up its requests for a minute.
        _common.TryAdd("socket.timeout.ms", "10000");
        _common.TryAdd("reconnect.backoff.max.ms", "1000");
    }

    public TopicSettings ToSettings() => new(
        _options.Topic, _options.PublishTimeout, _options.ConnectTimeout, _options.MaxPending, _options.MaxPendingBytes,
        OfProducer(), OfConsumer());

    private ProducerConfig OfProducer() => new(new Dictionary<string, string>(_common))
    {
        EnableIdempotence = true,
        MessageTimeoutMs = (int)_options.PublishTimeout.TotalMilliseconds,
        QueueBufferingMaxMessages = _options.MaxPending + SpareMessages,
        QueueBufferingMaxKbytes = (int)(_options.MaxPendingBytes >> 10) + SpareKilobytes,
        // The brokers and the topic limit messages; a limit below theirs would be in the way.
        MessageMaxBytes = Given("message.max.bytes") ?? 100_000_000,
        // Records that are written in one millisecond share a request: half of the processor time (docs/operations/kafka.md).
        LingerMs = Given("linger.ms") ?? 1,
        // Of a delivery report only the outcome and the offset are used.
        DeliveryReportFields = "status",
    };

    private ConsumerConfig OfConsumer() => new(new Dictionary<string, string>(_common))
    {
        // Required by the client. No group is joined: every node reads every partition.
        GroupId = _common.GetValueOrDefault("group.id", "weir"),
        EnableAutoCommit = false,
        EnableAutoOffsetStore = false,
        AutoOffsetReset = AutoOffsetReset.Error,
        IsolationLevel = IsolationLevel.ReadUncommitted,
        AllowAutoCreateTopics = false,
        ConsumeResultFields = "none",
    };

    /// <summary>Lets librdkafka check the properties.</summary>
    public void Validate()
    {
        if (_options.Client.Count == 0)
        {
            return; // loading the library costs memory, also in a process that does not use it
        }

        try
        {
            using IProducer<byte[], byte[]> producer = new ProducerBuilder<byte[], byte[]>(OfProducer())
                .SetLogHandler(static (_, _) => { }).SetErrorHandler(static (_, _) => { }).Build();
            using IConsumer<byte[], byte[]> consumer = new ConsumerBuilder<byte[], byte[]>(OfConsumer())
                .SetLogHandler(static (_, _) => { }).SetErrorHandler(static (_, _) => { }).Build();
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException or KafkaException)
        {
            throw new ArgumentException($"librdkafka refuses the client properties: {WithoutSecrets(error.Message)}");
        }
    }

    /// <summary>A few records of the node itself find room in the library's queue while publishers have filled theirs.</summary>
    private const int SpareMessages = 10_000;

    private const int SpareKilobytes = 16 << 10;

    private int? Given(string property)
        => _common.TryGetValue(property, out string? text)
            && int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) ? value : null;

    private string WithoutSecrets(string text)
    {
        foreach ((string name, string value) in _common)
        {
            if (value.Length > 0 && Array.Exists(_secretParts, part => name.Contains(part, StringComparison.Ordinal)))
            {
                text = text.Replace(value, "***", StringComparison.Ordinal);
            }
        }

        return text;
    }

    private static bool IsTopic(string? name)
        => name is { Length: > 0 and <= 249 } and not "." and not ".."
            && name.All(static each => char.IsAsciiLetterOrDigit(each) || each is '.' or '_' or '-');
}
