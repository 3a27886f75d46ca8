using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Weir.Brokers.Kafka.Diagnostics;
using Weir.Relay.Brokers;
using Weir.Timing;

namespace Weir.Brokers.Kafka.Log;

/// <summary>
/// Appends records to the partitions with the idempotent producer: those of one partition in the order of the calls, none twice.
/// Thread-safe.
/// </summary>
/// <remarks>
/// The library's own limits do not suffice: its queue refuses when it is full and never blocks, it reports a record without an
/// acknowledgement late, and a record whose caller no longer waits stays in the queue. So records in flight are counted here, the
/// library withdraws one that it has not sent after <see cref="TopicSettings.PublishTimeout"/>, and a caller waits a little longer than
/// that at most.
/// </remarks>
internal sealed class TopicWriter : IDisposable
{
    private readonly IProducer<byte[], byte[]> _producer;
    private readonly TopicSettings _settings;
    private readonly PartitionState[] _partitions;
    private readonly Action<int> _onWentBack;
    private readonly RunningTimeouts _timeouts;
    private long _pending;
    private long _pendingBytes;
    private volatile bool _isBroken;

    public TopicWriter(
        TopicSettings settings, PartitionState[] partitions, ILogger logger, TimeProvider time,
        Action<Error> onError, Action<int> onWentBack)
    {
        _settings = settings;
        _partitions = partitions;
        _onWentBack = onWentBack;
        // The library checks the timeouts of records about once a second.
        _timeouts = new RunningTimeouts(settings.PublishTimeout + TimeSpan.FromSeconds(2), time);
        _producer = new ProducerBuilder<byte[], byte[]>(settings.Producer)
            .SetLogHandler((_, message) => KafkaLog.Client(logger, message))
            .SetErrorHandler((_, error) =>
            {
                _isBroken |= error.IsFatal;
                onError(error);
            })
            .Build();
    }

    /// <summary>Whether the producer can write no more: another has to take its place.</summary>
    public bool IsBroken => _isBroken;

    /// <summary>Appends a record of a publisher, within the bounds for those.</summary>
    /// <returns>The record's offset; -1 if Kafka has not reported it.</returns>
    /// <exception cref="BrokerUnavailableException">It was not appended, or that is unknown.</exception>
    public Task<long> WriteAsync(int partition, byte[]? key, byte[] value)
    {
        if (Interlocked.Read(ref _pending) >= _settings.MaxPending)
        {
            throw new BrokerUnavailableException($"{_settings.MaxPending} publishes are in flight to Kafka already.", isUnknown: false);
        }

        if (Interlocked.Read(ref _pendingBytes) + value.Length > _settings.MaxPendingBytes)
        {
            throw new BrokerUnavailableException($"{_settings.MaxPendingBytes} bytes are in flight to Kafka already.", isUnknown: false);
        }

        return AppendAsync(partition, key, value);
    }

    /// <summary>Appends a record of the node itself, for which the library's queue has room beyond the bounds of publishers.</summary>
    /// <inheritdoc cref="WriteAsync"/>
    public Task<long> AppendAsync(int partition, byte[]? key, byte[] value)
    {
        Pending pending = new(this, partition, value.Length);
        Interlocked.Increment(ref _pending);
        Interlocked.Add(ref _pendingBytes, value.Length);
        _timeouts.Add(pending);
        try
        {
            _producer.Produce(
                new TopicPartition(_settings.Topic, partition),
                new Message<byte[], byte[]> { Key = key!, Value = value },
                pending.OnReport);
        }
        catch (KafkaException error)
        {
            pending.End();
            throw KafkaFailure.OfRefused(error.Error);
        }
        catch (ObjectDisposedException error)
        {
            pending.End();
            throw new BrokerUnavailableException("The connection to Kafka is closed.", isUnknown: false, error);
        }

        return pending.Task;
    }

    /// <summary>Waits for the records in flight, at most for their timeout.</summary>
    public void Flush() => _producer.Flush(_settings.PublishTimeout + TimeSpan.FromSeconds(1));

    /// <summary>Closes at once. The library reports no more; a record still in flight fails when its timeout has elapsed.</summary>
    public void Dispose()
    {
        _producer.Dispose();
        if (Interlocked.Read(ref _pending) == 0)
        {
            _timeouts.Dispose();
        }
    }

    /// <summary>A record in flight; its first result counts.</summary>
    private sealed class Pending(TopicWriter writer, int partition, int size) : RunningTimeoutEntry
    {
        // Not on the library's thread, which reports for all records.
        private readonly TaskCompletionSource<long> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<long> Task => _result.Task;

        public void OnReport(DeliveryReport<byte[], byte[]> report)
        {
            End();
            if (report.Error.IsError)
            {
                _result.TrySetException(KafkaFailure.Of(report.Error, report.Status));
                return;
            }

            long offset = report.Offset.IsSpecial ? -1 : report.Offset.Value;
            if (offset >= 0 && !writer._partitions[partition].TryNoteWritten(offset))
            {
                writer._onWentBack(partition);
            }

            _result.TrySetResult(offset);
        }

        /// <summary>Ends its part of the bounds; called once, by the report or instead of it.</summary>
        public void End()
        {
            writer._timeouts.TryRemove(this);
            Interlocked.Decrement(ref writer._pending);
            Interlocked.Add(ref writer._pendingBytes, -size);
        }

        protected override void OnElapsed()
            => _result.TrySetException(new BrokerUnavailableException("Kafka has not acknowledged the record in time.", isUnknown: true));
    }
}
