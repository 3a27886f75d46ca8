using System.Collections.Concurrent;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Weir.Brokers.Kafka.Diagnostics;

namespace Weir.Brokers.Kafka.Log;

/// <summary>
/// Reads all partitions of the topic on a thread of its own, each from a known offset: no group, no commits. A record is delivered once,
/// also when another reader takes this one's place, as the offsets are those of the <see cref="PartitionState"/>s.
/// </summary>
/// <remarks>
/// The library does not choose an offset if the one requested does not exist: <c>latest</c> would skip records silently and
/// <c>earliest</c> repeat all, and with <c>error</c> it reads nothing more of that partition until it is assigned again.
/// </remarks>
internal sealed class TopicReader : IDisposable
{
    private const int MaxBatch = 256;

    private static readonly TimeSpan _poll = TimeSpan.FromMilliseconds(100);

    private readonly IConsumer<SubscribedRoom?, byte[]?> _consumer;
    private readonly IAdminClient _admin;
    private readonly TopicSettings _settings;
    private readonly IRecordTarget _target;
    private readonly ConcurrentQueue<int> _lost = new();
    private PartitionState[] _partitions = [];
    private Thread? _thread;
    private volatile bool _isStopping;

    public TopicReader(
        TopicSettings settings, SubscribedRooms rooms, IRecordTarget target, ILogger logger, Action<Error> onError)
    {
        _settings = settings;
        _target = target;
        RecordReading reading = new(rooms);
        _consumer = new ConsumerBuilder<SubscribedRoom?, byte[]?>(settings.Consumer)
            .SetKeyDeserializer(reading)
            .SetValueDeserializer(reading)
            .SetLogHandler((_, message) => KafkaLog.Client(logger, message))
            .SetErrorHandler((_, error) => onError(error))
            .Build();
        _admin = new DependentAdminClientBuilder(_consumer.Handle).Build();
    }

    /// <summary>Asks for the number of the topic's partitions; blocks.</summary>
    /// <returns>0 if there is no such topic.</returns>
    /// <exception cref="KafkaException">No broker has answered in time, or it refused.</exception>
    public int ReadPartitionCount()
    {
        TopicMetadata topic = _admin.GetMetadata(_settings.Topic, _settings.ConnectTimeout).Topics.Single();
        return topic.Error.Code switch
        {
            ErrorCode.NoError => topic.Partitions.Count,
            ErrorCode.UnknownTopicOrPart or ErrorCode.Local_UnknownTopic => 0,
            _ => throw new KafkaException(topic.Error),
        };
    }

    /// <summary>Finds the end of each partition that has no position yet; blocks.</summary>
    /// <exception cref="KafkaException">No broker has answered in time, or it refused.</exception>
    public void Locate(PartitionState[] partitions)
    {
        foreach (PartitionState partition in partitions.Where(static each => each.Next < 0))
        {
            partition.MoveTo(QueryEnds(partition.Id).High.Value);
        }
    }

    /// <summary>Begins to read at the positions of the partitions. Called once.</summary>
    public void Start(PartitionState[] partitions)
    {
        _partitions = partitions;
        _consumer.IncrementalAssign([.. partitions.Select(each => PositionOf(each))]);
        _thread = new Thread(Run) { IsBackground = true, Name = "Weir Kafka reader" };
        _thread.Start();
    }

    /// <summary>The partition has lost records that were written before: looks for its end again.</summary>
    public void Relocate(int partition) => _lost.Enqueue(partition);

    /// <summary>Records of a partition that are not read yet, as far as the library has asked.</summary>
    public long LagOf(PartitionState partition)
    {
        WatermarkOffsets known = _consumer.GetWatermarkOffsets(new TopicPartition(_settings.Topic, partition.Id));
        return known.High.IsSpecial || partition.Next < 0 ? 0 : Math.Max(0, known.High.Value - partition.Next);
    }

    public void Dispose()
    {
        _isStopping = true;
        _thread?.Join();
        _admin.Dispose();
        _consumer.Dispose();
    }

    private void Run()
    {
        int batch = 0;
        while (!_isStopping)
        {
            ConsumeResult<SubscribedRoom?, byte[]?>? result = Consume(batch > 0 ? TimeSpan.Zero : _poll);
            if (result is not null)
            {
                if (batch++ == 0)
                {
                    _target.OnBatchBegins();
                }

                Deliver(result);
            }

            if (batch > 0 && (result is null || batch == MaxBatch))
            {
                batch = 0;
                _target.OnBatchEnded();
            }

            while (batch == 0 && _lost.TryDequeue(out int partition))
            {
                Continue(_partitions[partition]);
            }
        }
    }

    private ConsumeResult<SubscribedRoom?, byte[]?>? Consume(TimeSpan wait)
    {
        try
        {
            return _consumer.Consume(wait);
        }
        catch (ConsumeException error) when (error.Error.Code == ErrorCode.Local_AutoOffsetReset)
        {
            // Reading of that partition has ended.
            _lost.Enqueue(error.ConsumerRecord.Partition.Value);
        }
        catch (KafkaException error)
        {
            _target.OnReadFailed("A partition cannot be read.", error);
        }

        return null;
    }

    private void Deliver(ConsumeResult<SubscribedRoom?, byte[]?> result)
    {
        PartitionState partition = _partitions[result.Partition.Value];
        long offset = result.Offset.Value;
        if (offset < partition.Next)
        {
            return; // read before
        }

        if (result.Message.Value is { } value)
        {
            _target.OnRecord(partition, offset, result.Message.Key, value);
        }

        partition.Advance(offset);
    }

    // Records before the first that exists were removed before this node has read them: it continues there, and the gap is exact. A
    // partition that ends before the position has lost its end, or was created anew: what was written since cannot be distinguished from
    // what was read before, so reading continues at the end.
    private void Continue(PartitionState partition)
    {
        long expected = partition.Next;
        try
        {
            WatermarkOffsets ends = QueryEnds(partition.Id);
            long first = expected < ends.Low.Value ? ends.Low.Value : expected > ends.High.Value ? ends.High.Value : expected;
            if (first != expected)
            {
                partition.MoveTo(first);
                _target.OnMissed(partition, expected, first);
            }

            _consumer.IncrementalUnassign([new TopicPartition(_settings.Topic, partition.Id)]);
            _consumer.IncrementalAssign([PositionOf(partition)]);
        }
        catch (KafkaException error)
        {
            _lost.Enqueue(partition.Id);
            _target.OnReadFailed("The ends of a partition cannot be queried.", error);
        }
    }

    private WatermarkOffsets QueryEnds(int partition)
        => _consumer.QueryWatermarkOffsets(new TopicPartition(_settings.Topic, partition), _settings.ConnectTimeout);

    private TopicPartitionOffset PositionOf(PartitionState partition) => new(_settings.Topic, partition.Id, partition.Next);
}
