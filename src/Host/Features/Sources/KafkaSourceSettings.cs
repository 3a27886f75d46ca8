using Weir.Host.Settings;
using Weir.Protocol;
using Weir.Sources.Kafka;

namespace Weir.Host.Features.Sources;

/// <summary>An entry of <c>Weir:Sources:Kafka</c>.</summary>
internal static class KafkaSourceSettings
{
    public const string Section = "Weir:Sources:Kafka";

    /// <summary>Its settings.</summary>
    public static readonly SettingTable<KafkaSourceOptions> Table = new SettingTable<KafkaSourceOptions>($"{Section}:<n>")
        .Text("Topic", "text", static o => o.Topic, static (o, value) => o.Topic = value,
            "a topic whose records are published to rooms. [Sources](docs/operations/sources.md)", shownDefault: "required")
        .Text("BootstrapServers", "addresses", static o => o.BootstrapServers, static (o, value) => o.BootstrapServers = value,
            "some of the brokers of Kafka, as `host:port`, separated by commas")
        .Text("Group", "text", static o => o.Group, static (o, value) => o.Group = value,
            "the consumer group, the same on all nodes, which share the partitions")
        .Text("DeadLetterTopic", "text", static o => o.DeadLetterTopic, static (o, value) => o.DeadLetterTopic = value,
            "the topic for records that cannot be published", shownDefault: "required")
        .Text("Room", "text", static o => o.Room, static (o, value) => o.Room = value,
            "how a record's room is chosen: `key`, `header:NAME` or `json:NAME.NAME`")
        .Text("Prefix", "text", static o => o.Prefix, static (o, value) => o.Prefix = value, "precedes what is found in the name of the room")
        .Enum<MessageKind>("Kind", static o => o.Kind, static (o, value) => o.Kind = value, "text must be UTF-8")
        .Enum<KafkaSourceStart>("Start", static o => o.Start, static (o, value) => o.Start = value, "where a group that is new begins")
        .Int("MaxBatch", "records", 1, 100_000, static o => o.MaxBatch, static (o, value) => o.MaxBatch = value,
            "the most that are published before their offsets are committed; rooms with history need a `HistorySize` of at least this")
        .Int("MaxBytes", "bytes", 1, int.MaxValue, static o => o.MaxBytes, static (o, value) => o.MaxBytes = value,
            "the largest record; beyond it the record goes to the dead-letter topic")
        .Properties("Client", "properties", static (o, name, value) => o.Client[name] = value,
            "more properties of librdkafka, as `Weir:Kafka:Client`");
}
