using Weir.Protocol;
using Weir.Validation;

namespace Weir.Sources.Kafka;

/// <summary>One topic that feeds rooms. Read once, when the source is created.</summary>
public sealed class KafkaSourceOptions
{
    /// <summary>Addresses of some of the brokers, <c>host:port</c>, separated by commas; default <c>localhost:9092</c>.</summary>
    public string BootstrapServers { get; set; } = "localhost:9092";

    /// <summary>The topic; required. It has to exist.</summary>
    public string Topic { get; set; } = "";

    /// <summary>The consumer group, the same on all nodes, among which it distributes the partitions; default <c>weir-source</c>.</summary>
    public string Group { get; set; } = "weir-source";

    /// <summary>
    /// The topic for records that cannot be published, with the reason, the topic, the partition and the offset in headers; required. It
    /// has to exist.
    /// </summary>
    public string DeadLetterTopic { get; set; } = "";

    /// <summary>
    /// How a record's room is chosen: <c>key</c>, <c>header:NAME</c> or <c>json:NAME.NAME</c>; default <c>key</c>. See
    /// <see cref="RoomSelector.Parse"/>.
    /// </summary>
    public string Room { get; set; } = "key";

    /// <summary>Precedes what is found in the names of rooms; default none.</summary>
    public string Prefix { get; set; } = "";

    /// <summary>Text, which must be UTF-8, or binary; default text.</summary>
    public MessageKind Kind { get; set; } = MessageKind.Text;

    /// <summary>Where a group that is new begins; default with the oldest record.</summary>
    public KafkaSourceStart Start { get; set; } = KafkaSourceStart.Earliest;

    /// <summary>
    /// The most records that are published before their offsets are committed; default 256. A room with history needs a
    /// <c>HistorySize</c> of at least this for its records never to be published twice.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1, or more than 100,000.</exception>
    public int MaxBatch { get; set => field = OptionRange.Number(value, 1, 100_000); } = 256;

    /// <summary>The largest record in bytes, beyond which it goes to the dead-letter topic; default 1,000,000.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxBytes { get; set => field = OptionRange.Number(value, 1, int.MaxValue); } = 1_000_000;

    /// <summary>
    /// More properties of librdkafka for all clients, by their names, such as <c>sasl.username</c>; default none. An underscore stands for
    /// a dot.
    /// </summary>
    public IDictionary<string, string> Client { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Validates all options.</summary>
    /// <exception cref="ArgumentException">An option is wrong; the message does not repeat the value of a property.</exception>
    public void Validate() => new SourceConfigs(this).Validate();
}
