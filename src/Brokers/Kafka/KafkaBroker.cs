using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Weir.Brokers.Kafka.Diagnostics;
using Weir.Brokers.Kafka.Log;
using Weir.Brokers.Kafka.Presence;
using Weir.Brokers.Kafka.Wire;
using Weir.Diagnostics;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Kafka;

/// <summary>Rooms without history across nodes through one topic of Kafka. Thread-safe.</summary>
/// <remarks>
/// <para>Every node reads all partitions of the topic from their ends at its start, without a group, and continues at its own offsets
/// after an outage: announcements are late then, and neither lost nor repeated, as long as the topic retains them. A room's records are in
/// one partition, so its order is that of Kafka, the same on all nodes.</para>
/// <para>Rooms with history are refused: <see cref="KeepsHistory"/>.</para>
/// <para>Presence is announced through the topic and kept in the memory of each node, see docs/operations/kafka.md.</para>
/// </remarks>
public sealed partial class KafkaBroker : IBroker, IRecordTarget
{
    /// <summary>The keys of at most this many rooms are cached, some 10 MB; then the cache is cleared.</summary>
    private const int MaxKeptRooms = 1 << 16;

    private readonly KafkaOptions _options;
    private readonly TopicSettings _settings;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly KafkaMetrics _metrics;
    private readonly SubscribedRooms _rooms = new();
    private readonly ConcurrentDictionary<string, RoomKey> _keys = new(StringComparer.Ordinal);
    private readonly PresenceTable _presence;
    private readonly OwnPresence _own;
    private readonly CancellationTokenSource _stopping = new();
    private IBrokerSink? _sink;
    private Task _supervision = Task.CompletedTask;
    private volatile PartitionState[] _partitions = [];
    private volatile TopicWriter? _writer;
    private volatile TopicReader? _reader;

    /// <summary>Creates a broker that connects once it is started.</summary>
    /// <param name="options">Read now; later changes have no effect.</param>
    /// <param name="loggers"><c>null</c>: no log.</param>
    /// <param name="time"><c>null</c>: the system's.</param>
    /// <param name="meters"><c>null</c>: a meter of its own.</param>
    /// <exception cref="ArgumentException">An option is wrong.</exception>
    public KafkaBroker(KafkaOptions options, ILoggerFactory? loggers = null, TimeProvider? time = null, IMeterFactory? meters = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ClientConfigs configs = new(options);
        configs.Validate();
        _settings = configs.ToSettings();
        _options = options;
        _time = time ?? TimeProvider.System;
        _logger = (loggers ?? NullLoggerFactory.Instance).CreateLimitedLogger(KafkaLog.Category, _time);
        _presence = new PresenceTable(_time);
        _own = new OwnPresence(_time);
        _metrics = new KafkaMetrics(meters)
        {
            Partitions = () => _partitions.Length,
            PartitionsUp = () => _partitions.Count(static partition => partition.IsUp),
            Lag = () => Lag,
            Present = () => _presence.Count,
        };
    }

    /// <inheritdoc />
    public bool IsSingleNode => false;

    /// <summary>Returns false: a publication has an offset in Kafka, and none in its room.</summary>
    public bool KeepsHistory => false;

    private long Lag => _reader is { } reader ? _partitions.Sum(reader.LagOf) : 0;

    /// <inheritdoc />
    public Task StartAsync(IBrokerSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(sink);
        if (_sink is not null)
        {
            throw new InvalidOperationException("The broker has been started already.");
        }

        _sink = sink;
        _supervision = Task.Run(SuperviseAsync, CancellationToken.None);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    /// <exception cref="NotSupportedException">The rule keeps history.</exception>
    public async ValueTask<StreamPosition> PublishAsync(
        string room, Publication publication, RoomRule rule, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        ArgumentNullException.ThrowIfNull(publication);
        ThrowIfKept(rule);
        RoomKey key = KeyOf(room);
        await WriterFor(key.Partition).WriteAsync(key.Partition, key.Name, Record.OfPublication(publication))
            .WaitAsync(cancellationToken).ConfigureAwait(false);
        return new StreamPosition("", 0);
    }

    /// <inheritdoc />
    public ValueTask SubscribeAsync(string room, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        PartitionState[] partitions = _partitions;
        if (partitions.Length == 0)
        {
            _rooms.Add(room, 0);
            throw new BrokerUnavailableException(
                "Kafka is unavailable; the room will be subscribed to when Kafka is available.", isUnknown: false);
        }

        // From its first positions on a node reads every record, sooner or later.
        _rooms.Add(room, partitions[KeyOf(room).Partition].LastWritten + 1);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc />
    public ValueTask UnsubscribeAsync(string room, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        _rooms.Remove(room);
        return ValueTask.CompletedTask;
    }

    /// <summary>Returns an empty history: there is none.</summary>
    /// <exception cref="NotSupportedException">The rule keeps history.</exception>
    public ValueTask<RoomHistory> ReadHistoryAsync(string room, HistoryQuery query, RoomRule rule, CancellationToken cancellationToken)
    {
        ThrowIfKept(rule);
        return new(new RoomHistory([], new StreamPosition("", 0)));
    }

    /// <summary>Has no effect: there is no history.</summary>
    public ValueTask RemoveHistoryAsync(string room, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <inheritdoc />
    public async ValueTask SendControlAsync(string? node, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        string self = _sink!.NodeId;
        int partition = OwnPartition;
        await WriterFor(partition).WriteAsync(partition, null, Record.OfControl(self, node, message))
            .WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Ends all connections; publishes that are not acknowledged within <see cref="KafkaOptions.PublishTimeout"/> fail.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _supervision.ConfigureAwait(false);
        TopicWriter? writer = _writer;
        TopicReader? reader = _reader;
        _writer = null;
        _reader = null;
        await Task.Run(() =>
        {
            writer?.Flush();
            writer?.Dispose();
            reader?.Dispose();
        }).ConfigureAwait(false);
    }

    // The records of one sender have one order.
    private int OwnPartition => _partitions.Length > 0 ? Partitioning.Of(_sink!.NodeId, _partitions.Length) : 0;

    private RoomKey KeyOf(string room)
    {
        if (_keys.TryGetValue(room, out RoomKey? key))
        {
            return key;
        }

        int partitions = _partitions.Length;
        if (partitions == 0)
        {
            throw Unavailable();
        }

        if (_keys.Count >= MaxKeptRooms)
        {
            _keys.Clear();
        }

        byte[] name = Encoding.UTF8.GetBytes(room);
        return _keys.GetOrAdd(room, new RoomKey(name, Partitioning.Of(name, partitions)));
    }

    /// <exception cref="BrokerUnavailableException">No record can be written to the partition now.</exception>
    private TopicWriter WriterFor(int partition)
    {
        PartitionState[] partitions = _partitions;
        return _writer is { IsBroken: false } writer && partition < partitions.Length && partitions[partition].IsUp
            ? writer : throw Unavailable();
    }

    private static BrokerUnavailableException Unavailable() => new("Kafka is unavailable.", isUnknown: false);

    private static void ThrowIfKept(RoomRule rule)
    {
        ArgumentNullException.ThrowIfNull(rule);
        if (rule.KeepsHistory)
        {
            throw new NotSupportedException($"Kafka keeps no history of rooms: the rule of {rule.Pattern} needs a HistorySize of 0.");
        }
    }

    /// <summary>A room's key in the topic.</summary>
    private sealed record RoomKey(byte[] Name, int Partition);
}
