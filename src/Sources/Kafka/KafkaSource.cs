using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Confluent.Kafka;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Weir.Relay.Nodes;
using Weir.Sources.Kafka.Diagnostics;

namespace Weir.Sources.Kafka;

/// <summary>
/// A topic of Kafka that feeds rooms: the nodes are one consumer group, and an offset is committed once the broker of the rooms has taken
/// its record, or the dead-letter topic has.
/// </summary>
/// <remarks>
/// One thread reads, publishes a batch, commits, and reads on. While the broker is unavailable the partitions are paused, so that
/// the group does not take this node for dead. What is in flight when partitions are taken away is cancelled, and the node that is given
/// them finds in the history of their rooms what was published (<see cref="SourcePublisher"/>).
/// </remarks>
public sealed class KafkaSource : IHostedService, IAsyncDisposable
{
    private static readonly TimeSpan _poll = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _queryTimeout = TimeSpan.FromSeconds(5);

    private readonly KafkaSourceOptions _options;
    private readonly SourceConfigs _configs;
    private readonly SourcePublisher _publisher;
    private readonly ILogger _logger;
    private readonly KafkaSourceMetrics _metrics;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<int, long> _next = new(); // the first offset of each partition of this node that is not done
    private readonly Dictionary<int, long> _handled = []; // the same of all that it ever had: a commit can fail, or be lost
    private readonly HashSet<(int Partition, long Offset)> _doneAhead = [];
    private Thread? _thread;
    private IConsumer<byte[]?, byte[]?>? _consumer;
    private DeadLetters? _deadLetters;
    private SourceBatch? _batch;

    /// <summary>Creates a source, which reads once it is started.</summary>
    /// <param name="relay">The node whose broker takes the publications.</param>
    /// <param name="options">Read now; later changes have no effect.</param>
    /// <param name="loggers"><c>null</c>: no log.</param>
    /// <param name="time"><c>null</c>: the system's.</param>
    /// <param name="meters"><c>null</c>: meters of its own.</param>
    /// <exception cref="ArgumentException">An option is wrong.</exception>
    public KafkaSource(
        RelayNode relay, KafkaSourceOptions options, ILoggerFactory? loggers = null, TimeProvider? time = null,
        IMeterFactory? meters = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _configs = new SourceConfigs(options);
        _configs.Validate();
        _logger = loggers?.CreateLogger(KafkaSourceLog.Category) ?? NullLogger.Instance;
        _publisher = new SourcePublisher(
            relay, _configs.Selector,
            new SourcePublisherOptions { Name = options.Topic, Kind = options.Kind, MaxBytes = options.MaxBytes }, loggers, time, meters);
        _metrics = new KafkaSourceMetrics(meters) { Topic = options.Topic, Lag = ReadLag };
    }

    /// <summary>Begins to read, on a thread of its own.</summary>
    /// <exception cref="InvalidOperationException">It has been started before.</exception>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (_thread is not null)
        {
            throw new InvalidOperationException("The source has been started already.");
        }

        _deadLetters = new DeadLetters(_configs, _options, _logger);
        _consumer = new ConsumerBuilder<byte[]?, byte[]?>(_configs.OfConsumer())
            .SetKeyDeserializer(new NullableBytes())
            .SetValueDeserializer(new NullableBytes())
            .SetLogHandler((_, message) => KafkaSourceLog.Client(_logger, message))
            .SetErrorHandler(static (_, _) => { }) // the library repeats them; an error of this source is one of a call
            .SetPartitionsAssignedHandler((_, partitions) => OnAssigned(partitions))
            .SetPartitionsRevokedHandler((_, partitions) => OnRevoked(partitions.ConvertAll(static each => each.Partition.Value)))
            .SetPartitionsLostHandler((_, partitions) => OnRevoked(partitions.ConvertAll(static each => each.Partition.Value)))
            .Build();
        _thread = new Thread(Run) { IsBackground = true, Name = "Weir Kafka source" };
        _thread.Start();
        return Task.CompletedTask;
    }

    /// <summary>Ends reading; commits what is done, and leaves the group.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        if (_thread is { } thread)
        {
            await Task.Run(thread.Join, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Stops.</summary>
    public async ValueTask DisposeAsync() => await StopAsync(CancellationToken.None).ConfigureAwait(false);

    private void Run()
    {
        IConsumer<byte[]?, byte[]?> consumer = _consumer!;
        consumer.Subscribe(_options.Topic);
        List<ConsumeResult<byte[]?, byte[]?>> read = [];
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                // What was read while a batch was in flight comes first.
                for (TimeSpan wait = _poll; read.Count < _options.MaxBatch && Consume(wait) is { } record; wait = TimeSpan.Zero)
                {
                    read.Add(record);
                }

                if (read.Count > 0)
                {
                    List<ConsumeResult<byte[]?, byte[]?>> records = read;
                    read = [];
                    Handle(records, read);
                }
            }
            catch (KafkaException error)
            {
                KafkaSourceLog.Failed(_logger, error, _options.Topic);
                _stopping.Token.WaitHandle.WaitOne(_poll);
            }
        }

        consumer.Close();
        consumer.Dispose();
        _deadLetters!.Dispose();
    }

    // Returns null if there is none now. A record that was handled before is not returned: a rebalance steps back to the last commit.
    private ConsumeResult<byte[]?, byte[]?>? Consume(TimeSpan wait)
    {
        try
        {
            while (_consumer!.Consume(wait) is { } record)
            {
                if (record.Offset.Value >= _next.GetValueOrDefault(record.Partition.Value))
                {
                    return record;
                }
            }
        }
        catch (ConsumeException error) when (error.Error.Code == ErrorCode.Local_AutoOffsetReset)
        {
            Relocate(error.ConsumerRecord.Partition.Value);
        }

        return null;
    }

    private void Handle(List<ConsumeResult<byte[]?, byte[]?>> records, List<ConsumeResult<byte[]?, byte[]?>> readMeanwhile)
    {
        using SourceBatch batch = new(records, _doneAhead, _stopping.Token);
        _batch = batch;
        Task work = Task.Run(() => batch.HandleAsync(_publisher, RejectAsync), CancellationToken.None);
        if (!work.Wait(_poll))
        {
            _consumer!.Pause(_consumer.Assignment);
            while (!work.IsCompleted)
            {
                // Keeps the membership; partitions that are assigned meanwhile are not paused.
                if (Consume(_poll) is { } record)
                {
                    readMeanwhile.Add(record);
                }
            }

            _consumer.Resume(_consumer.Assignment);
        }

        work.GetAwaiter().GetResult();
        _batch = null;
        Commit(batch);
        _doneAhead.UnionWith(batch.DoneAhead());
        foreach ((int partition, long offset) in batch.Unfinished())
        {
            if (_consumer!.Assignment.Exists(each => each.Partition.Value == partition))
            {
                _consumer.Seek(new TopicPartitionOffset(_options.Topic, partition, offset));
                readMeanwhile.RemoveAll(record => record.Partition.Value == partition);
            }
        }
    }

    private async Task<bool> RejectAsync(ConsumeResult<byte[]?, byte[]?> record, string reason)
    {
        KafkaSourceLog.Rejected(_logger, _options.Topic, record.Partition.Value, record.Offset.Value, _options.DeadLetterTopic, reason);
        return await _deadLetters!.TryWriteAsync(record, reason).ConfigureAwait(false);
    }

    private void Commit(SourceBatch batch)
    {
        List<TopicPartitionOffset> done = [];
        foreach ((int partition, long next) in batch.TakeDone())
        {
            if (_next.ContainsKey(partition))
            {
                _next[partition] = _handled[partition] = next;
                done.Add(new TopicPartitionOffset(_options.Topic, partition, next));
            }
        }

        if (done.Count == 0)
        {
            return;
        }

        try
        {
            _consumer!.Commit(done);
        }
        catch (KafkaException error)
        {
            // The next commit covers it. Another node that is given the partition meanwhile looks into the history.
            KafkaSourceLog.Failed(_logger, error, _options.Topic);
        }
    }

    // On the reading thread, inside of Consume.
    private List<TopicPartitionOffset> OnAssigned(List<TopicPartition> partitions)
    {
        _publisher.Forget();
        KafkaSourceLog.Assigned(_logger, _options.Topic, string.Join(", ", partitions.Select(static each => each.Partition.Value)));
        List<TopicPartitionOffset> committed = _consumer!.Committed(partitions, _queryTimeout);
        return committed.ConvertAll(each =>
        {
            WatermarkOffsets ends = _consumer.QueryWatermarkOffsets(each.TopicPartition, _queryTimeout);
            long handled = _handled.GetValueOrDefault(each.Partition.Value, -1);
            long first = each.Offset.IsSpecial && handled < 0
                ? (_options.Start == KafkaSourceStart.Earliest ? ends.Low : ends.High).Value
                : WithinEnds(each.Partition.Value, Math.Max(each.Offset.Value, handled), ends);
            _next[each.Partition.Value] = first;
            return new TopicPartitionOffset(each.TopicPartition, first);
        });
    }

    // The next node publishes what is not committed.
    private void OnRevoked(List<int> partitions)
    {
        if (_batch is { } batch)
        {
            batch.Cancel();
            Commit(batch);
        }

        partitions.ForEach(partition => _next.TryRemove(partition, out _));
    }

    private void Relocate(int partition)
    {
        TopicPartition place = new(_options.Topic, partition);
        long first = WithinEnds(partition, _next.GetValueOrDefault(partition), _consumer!.QueryWatermarkOffsets(place, _queryTimeout));
        _next[partition] = first;
        _consumer.IncrementalUnassign([place]);
        _consumer.IncrementalAssign([new TopicPartitionOffset(place, first)]);
    }

    // A topic that ends before the offset was created anew: no record of it has been published.
    private long WithinEnds(int partition, long offset, WatermarkOffsets ends)
    {
        if (offset >= ends.Low.Value && offset <= ends.High.Value)
        {
            return offset;
        }

        _handled.Remove(partition);
        _doneAhead.RemoveWhere(place => place.Partition == partition);
        _metrics.Missed();
        KafkaSourceLog.RecordsMissed(_logger, _options.Topic, partition, offset, ends.Low.Value);
        return ends.Low.Value;
    }

    private long ReadLag()
    {
        long lag = 0;
        foreach ((int partition, long next) in _next)
        {
            WatermarkOffsets known = _consumer!.GetWatermarkOffsets(new TopicPartition(_options.Topic, partition));
            lag += known.High.IsSpecial ? 0 : Math.Max(0, known.High.Value - next);
        }

        return lag;
    }

    private sealed class NullableBytes : IDeserializer<byte[]?>
    {
        public byte[]? Deserialize(ReadOnlySpan<byte> data, bool isNull, SerializationContext context) => isNull ? null : data.ToArray();
    }
}
