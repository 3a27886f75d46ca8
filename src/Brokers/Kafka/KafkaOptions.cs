using System.Runtime.CompilerServices;
using Weir.Validation;

namespace Weir.Brokers.Kafka;

/// <summary>How a node connects to Kafka, and the topic that it shares with the others. Read once, when the broker is created.</summary>
public sealed class KafkaOptions
{
    private static readonly TimeSpan _leastTimeout = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _mostTimeout = TimeSpan.FromMinutes(5);

    /// <summary>Addresses of some of the brokers, <c>host:port</c>, separated by commas; default <c>localhost:9092</c>.</summary>
    public string BootstrapServers { get; set; } = "localhost:9092";

    /// <summary>
    /// The topic between the nodes, the same on all of them; default <c>weir</c>. It has to exist: its partitions are the parts of the
    /// order, and their number must not change while nodes run. Several systems on one Kafka have a topic each.
    /// </summary>
    public string Topic { get; set; } = "weir";

    /// <summary>
    /// More properties of librdkafka for all clients, by their names (<c>security.protocol</c>, <c>sasl.username</c>,
    /// <c>ssl.ca.location</c>, <c>linger.ms</c>); default none. An underscore stands for a dot, for names that may have none.
    /// </summary>
    /// <remarks>
    /// Rejected are properties on which order, delivery and deadlines depend: <see cref="Validate"/> names them.
    /// </remarks>
    public IDictionary<string, string> Client { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>
    /// The time after which a publish without an acknowledgement fails; default 5 s. A message that was not sent by then is withdrawn;
    /// of one that was sent it is unknown whether it is announced.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 50 ms, or more than 5 minutes.</exception>
    public TimeSpan PublishTimeout { get; set => field = Timeout(value); } = TimeSpan.FromSeconds(5);

    /// <summary>The timeout for the topic's metadata and for the ends of its partitions; default 3 s. Both are requested again.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 50 ms, or more than 5 minutes.</exception>
    public TimeSpan ConnectTimeout { get; set => field = Timeout(value); } = TimeSpan.FromSeconds(3);

    /// <summary>The interval of probes: a record to each partition, which must be read again by this node; default 2 s.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 50 ms, or more than 5 minutes.</exception>
    public TimeSpan ProbeInterval { get; set => field = Timeout(value); } = TimeSpan.FromSeconds(2);

    /// <summary>The timeout of a probe, after which its partition counts as unavailable; default 2 s.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 50 ms, or more than 5 minutes.</exception>
    public TimeSpan ProbeTimeout { get; set => field = Timeout(value); } = TimeSpan.FromSeconds(2);

    /// <summary>The most publishes without an acknowledgement, above which more are refused immediately; default 10,000.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1, or more than 1,000,000.</exception>
    public int MaxPending { get; set => field = OptionRange.Number(value, 1, 1_000_000); } = 10_000;

    /// <summary>As <see cref="MaxPending"/>, in bytes; default 64 MiB.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than a mebibyte, or more than 1,024.</exception>
    public long MaxPendingBytes { get; set => field = OptionRange.Number(value, 1L << 20, 1L << 30); } = 64L << 20;

    /// <summary>Validates all options, and that librdkafka accepts the properties of <see cref="Client"/>.</summary>
    /// <exception cref="ArgumentException">An option is wrong; the message does not repeat the value of a property.</exception>
    public void Validate() => new ClientConfigs(this).Validate();

    private static TimeSpan Timeout(TimeSpan value, [CallerMemberName] string option = "")
        => OptionRange.Duration(value, _leastTimeout, _mostTimeout, option);
}
