using Weir.Brokers.Kafka;
using Weir.Host.Features.Brokers;
using Weir.Host.Settings;
using Weir.Relay.Brokers;

namespace Weir.Host.Features.Kafka;

/// <summary>The broker Kafka.</summary>
internal sealed class KafkaFeature : BrokerFeature
{
    public const string Section = "Weir:Kafka";

    private static readonly TimeSpan _least = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _most = TimeSpan.FromMinutes(5);

    private static readonly SettingTable<KafkaOptions> _table = new SettingTable<KafkaOptions>(Section)
        .Text("BootstrapServers", "addresses", static o => o.BootstrapServers, static (o, value) => o.BootstrapServers = value,
            "some of the brokers of Kafka, as `host:port`, separated by commas. [Kafka](docs/operations/kafka.md)")
        .Text("Topic", "text", static o => o.Topic, static (o, value) => o.Topic = value,
            "the topic between the nodes, the same on all; an operator creates it")
        .Properties("Client", "properties", static (o, name, value) => o.Client[name] = value,
            "more properties of librdkafka, each by its name: `Weir:Kafka:Client:sasl.username`; in the environment `_` may stand for a dot")
        .Duration("PublishTimeout", _least, _most, static o => o.PublishTimeout, static (o, value) => o.PublishTimeout = value,
            "for the acknowledgement of a publish; one that was not sent by then is withdrawn")
        .Duration("ConnectTimeout", _least, _most, static o => o.ConnectTimeout, static (o, value) => o.ConnectTimeout = value,
            "for the topic's metadata and the ends of its partitions")
        .Duration("ProbeInterval", _least, _most, static o => o.ProbeInterval, static (o, value) => o.ProbeInterval = value,
            "how often a probe tests writing to each partition, and reading from it")
        .Duration("ProbeTimeout", _least, _most, static o => o.ProbeTimeout, static (o, value) => o.ProbeTimeout = value,
            "how long it may take before the partition counts as unavailable")
        .Int("MaxPending", "messages", 1, 1_000_000, static o => o.MaxPending, static (o, value) => o.MaxPending = value,
            "the most publishes without an acknowledgement; beyond it they fail immediately")
        .Int("MaxPendingMegabytes", "MiB", 1, 1024,
            static o => (int)(o.MaxPendingBytes >> 20), static (o, value) => o.MaxPendingBytes = (long)value << 20,
            "the same in bytes");

    private KafkaOptions _options = new();

    public override string Kind => "Kafka";

    public override bool KeepsHistory => false;

    public override IEnumerable<Setting> Settings => _table.Settings;

    public override IEnumerable<string> Meters => ["Weir.Brokers.Kafka"];

    public override void Read(SettingsReader reader)
    {
        _options = _table.Read(reader).Value;
        try
        {
            _options.Validate();
        }
        catch (ArgumentException error)
        {
            // A property may be a password, so values are not shown.
            reader.Complain(Section, "", $"addresses, a topic, and properties as librdkafka has them; {error.Message}");
        }
    }

    public override IBroker Create(IServiceProvider services) => new KafkaBroker(_options, services.GetService<ILoggerFactory>());
}
