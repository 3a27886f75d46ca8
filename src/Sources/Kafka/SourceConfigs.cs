using Confluent.Kafka;

namespace Weir.Sources.Kafka;

/// <summary>The properties of the clients of librdkafka for a source.</summary>
internal sealed class SourceConfigs
{
    // Properties on which the commit after the publish depends, or that an option sets.
    private static readonly Dictionary<string, string> _setHere = new(StringComparer.Ordinal)
    {
        ["bootstrap.servers"] = "BootstrapServers sets it",
        ["metadata.broker.list"] = "BootstrapServers sets it",
        ["group.id"] = "Group sets it",
        ["enable.auto.commit"] = "an offset is committed after the publish",
        ["enable.auto.offset.store"] = "an offset is committed after the publish",
        ["auto.offset.reset"] = "Start sets where a new group begins; otherwise it would skip or repeat records silently",
        ["enable.idempotence"] = "without it rejected records would be repeated",
        ["allow.auto.create.topics"] = "the topics are created by an operator",
        ["test.mock.num.brokers"] = "it would replace Kafka",
    };

    private readonly Dictionary<string, string> _common = new(StringComparer.Ordinal);
    private readonly KafkaSourceOptions _options;

    /// <exception cref="ArgumentException">An option is wrong.</exception>
    public SourceConfigs(KafkaSourceOptions options)
    {
        _options = options;
        Require(options.BootstrapServers, "BootstrapServers names no broker: set it to host:port, several separated by commas.");
        Require(options.Topic, "Topic is not set: name the topic that feeds rooms.");
        Require(options.Group, "Group is not set: the nodes share the partitions as one consumer group.");
        Require(options.DeadLetterTopic, "DeadLetterTopic is not set: name a topic for records that cannot be published.");
        if (options.DeadLetterTopic == options.Topic)
        {
            throw new ArgumentException("DeadLetterTopic is the topic itself: its records would be read again.");
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
        _common.TryAdd("client.id", "weir-source");
        Selector = RoomSelector.Parse(options.Room, options.Prefix);
    }

    public RoomSelector Selector { get; }

    public ConsumerConfig OfConsumer() => new(new Dictionary<string, string>(_common))
    {
        GroupId = _options.Group,
        EnableAutoCommit = false,
        EnableAutoOffsetStore = false,
        AutoOffsetReset = AutoOffsetReset.Error,
        AllowAutoCreateTopics = false,
    };

    public ProducerConfig OfDeadLetters() => new(new Dictionary<string, string>(_common))
    {
        EnableIdempotence = true,
        MessageMaxBytes = 100_000_000,
        MessageTimeoutMs = 10_000,
    };

    /// <summary>Lets librdkafka check the properties.</summary>
    /// <exception cref="ArgumentException">It refuses one, by its name.</exception>
    public void Validate()
    {
        try
        {
            using IConsumer<byte[], byte[]> consumer = new ConsumerBuilder<byte[], byte[]>(OfConsumer())
                .SetLogHandler(static (_, _) => { }).SetErrorHandler(static (_, _) => { }).Build();
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException or KafkaException)
        {
            string shown = _common.Where(static pair => pair.Value.Length > 0 && pair.Key is not "bootstrap.servers")
                .Aggregate(error.Message, static (text, pair) => text.Replace(pair.Value, "***", StringComparison.Ordinal));
            throw new ArgumentException($"librdkafka refuses the client properties: {shown}");
        }
    }

    private static void Require(string value, string message)
    {
        if (string.IsNullOrWhiteSpace(value))
        {
            throw new ArgumentException(message);
        }
    }
}
