using Confluent.Kafka;
using Weir.Brokers.Kafka.Diagnostics;
using Weir.Brokers.Kafka.Log;
using Weir.Brokers.Kafka.Wire;
using Weir.Diagnostics;
using Weir.Relay.Brokers;
using Weir.Timing;

namespace Weir.Brokers.Kafka;

/// <summary>
/// One loop makes the clients, finds the first positions and probes each partition; a failure meanwhile is reported immediately, and wakes
/// it.
/// </summary>
public sealed partial class KafkaBroker
{
    private static readonly TimeSpan _firstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(1);

    /// <summary>How often the number of partitions is compared with that of the start.</summary>
    private static readonly TimeSpan _countInterval = TimeSpan.FromSeconds(10);

    /// <summary>After this many probes in a row that were written and not read the reader is made anew, at the same positions.</summary>
    private const int SilencesBeforeNewReader = 3;

    private readonly Lock _healthGate = new();
    private readonly SemaphoreSlim _wake = new(0);
    private volatile BrokerHealth _health = BrokerHealth.Degraded;
    private bool _hasWarnedOfDown;
    private long _disturbances;
    private long _probes;
    private int _silences;
    private long _countedAt;
    private int _reportedPartitions = -1;
    private volatile bool _mustAskForPresence = true;

    /// <inheritdoc />
    public BrokerHealth Health => _health;

    private void OnDisturbed(string what, Exception? reason)
    {
        NoteDisturbance(what, reason);
        Wake();
    }

    // The library reports errors several times a second while a broker is unavailable. Only the last one of all shows more than a probe.
    private void OnClientError(Error error)
    {
        if (error.Code == ErrorCode.Local_AllBrokersDown || error.IsFatal)
        {
            SetAllDown();
            OnDisturbed(error.Reason, null);
        }
        else if (_health == BrokerHealth.Up)
        {
            Wake();
        }
    }

    private void OnWentBack(int partition) => _reader?.Relocate(partition);

    private void Wake()
    {
        if (_wake.CurrentCount == 0)
        {
            _wake.Release();
        }
    }

    private void NoteDisturbance(string what, Exception? reason)
    {
        lock (_healthGate)
        {
            _disturbances++;
            if (!_hasWarnedOfDown && !_stopping.IsCancellationRequested)
            {
                _hasWarnedOfDown = true; // once per outage, also if Kafka is unavailable at the start
                KafkaLog.WentDown(_logger, what, LogText.OneLine(reason));
            }

            if (_health != BrokerHealth.Degraded)
            {
                SetHealth(BrokerHealth.Degraded);
            }
        }
    }

    private async Task SuperviseAsync()
    {
        using ITimer sweep = _time.CreateTimer(static self => ((KafkaBroker)self!).SweepPresence(), this, _sweepInterval, _sweepInterval);
        TimeSpan pause = _firstPause;
        while (!_stopping.IsCancellationRequested)
        {
            long before = Volatile.Read(ref _disturbances);
            bool isWell = await TryAllAsync().ConfigureAwait(false);
            if (isWell && TrySettle(before))
            {
                pause = _firstPause;
                await WaitForDisturbanceAsync(_options.ProbeInterval).ConfigureAwait(false);
            }
            else if (!isWell)
            {
                // In any case: a call that fails immediately would be repeated without a pause.
                await Task.Delay(pause, _time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                pause = TimeSpan.FromTicks(Math.Min(2 * pause.Ticks, _longestPause.Ticks));
            }
        }
    }

    private async Task WaitForDisturbanceAsync(TimeSpan time)
    {
        using CancellationTokenSource limit = new(time, _time);
        using CancellationTokenSource linked = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stopping.Token);
        await _wake.WaitAsync(linked.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        while (_wake.Wait(0, CancellationToken.None))
        {
            // One check covers all disturbances so far.
        }
    }

    private bool TrySettle(long disturbancesBefore)
    {
        lock (_healthGate)
        {
            if (_disturbances != disturbancesBefore)
            {
                return false;
            }

            if (_health != BrokerHealth.Up)
            {
                _hasWarnedOfDown = false;
                lock (_presence.Gate)
                {
                    _presence.ContinueInsideGate();
                }

                KafkaLog.IsUp(_logger, _options.Topic, _partitions.Length);
                SetHealth(BrokerHealth.Up);
            }

            return true;
        }
    }

    private void SetHealth(BrokerHealth health)
    {
        _health = health;
        try
        {
            _sink!.OnHealthChanged(health);
        }
        catch (Exception error)
        {
            KafkaLog.SinkFailed(_logger, error);
        }
    }

    /// <summary>Makes missing clients, and probes; returns <c>false</c> if any of it failed.</summary>
    private async Task<bool> TryAllAsync()
    {
        try
        {
            if (_reader is null)
            {
                await Task.Run(BeginReading).ConfigureAwait(false);
            }
            else if (_time.GetElapsedTime(_countedAt) >= _countInterval)
            {
                await Task.Run(CheckPartitionCount).ConfigureAwait(false);
            }

            TopicWriter writer = await WriterAsync().ConfigureAwait(false);
            await ProbeAsync(writer).ConfigureAwait(false);
            if (_mustAskForPresence)
            {
                _mustAskForPresence = false;
                AskForPresence(writer);
            }

            return true;
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            return false;
        }
        catch (Exception error)
        {
            // Of many types; no exception may end the supervision.
            if (error is not TimeoutException)
            {
                SetAllDown(); // it was not a probe, which decides about each partition
            }

            NoteDisturbance("Kafka did not reply as expected.", error);
            KafkaLog.TryFailed(_logger, error);
            return false;
        }
    }

    private void BeginReading()
    {
        TopicReader reader = new(_settings, _rooms, this, _logger, OnClientError);
        try
        {
            int count = reader.ReadPartitionCount();
            ThrowUnlessPresent(count);
            PartitionState[] partitions = _partitions;
            ThrowUnlessSame(partitions.Length, count);
            if (partitions.Length == 0)
            {
                partitions = [.. Enumerable.Range(0, count).Select(static id => new PartitionState(id))];
            }

            reader.Locate(partitions);
            _partitions = partitions;
            _reader = reader;
            reader.Start(partitions);
        }
        catch
        {
            _reader = null;
            reader.Dispose();
            throw;
        }
    }

    private void CheckPartitionCount()
    {
        int count;
        try
        {
            count = _reader!.ReadPartitionCount();
        }
        catch (KafkaException error)
        {
            KafkaLog.TryFailed(_logger, error); // the probe decides whether records pass
            return;
        }

        ThrowUnlessPresent(count);
        ThrowUnlessSame(_partitions.Length, count);
        _reportedPartitions = -1;
        _countedAt = _time.GetTimestamp();
    }

    private void ThrowUnlessPresent(int count)
    {
        if (count == 0)
        {
            if (_reportedPartitions != 0)
            {
                _reportedPartitions = 0;
                KafkaLog.TopicMissing(_logger, _options.Topic);
            }

            throw new InvalidOperationException($"There is no topic {_options.Topic}.");
        }
    }

    private void ThrowUnlessSame(int before, int now)
    {
        if (before > 0 && before != now)
        {
            if (_reportedPartitions != now)
            {
                _reportedPartitions = now;
                KafkaLog.PartitionsChanged(_logger, _options.Topic, before, now);
            }

            throw new InvalidOperationException($"The topic {_options.Topic} has {now} partitions, and had {before}.");
        }
    }

    private void SetAllDown()
    {
        foreach (PartitionState partition in _partitions)
        {
            partition.IsUp = false;
        }
    }

    private async Task<TopicWriter> WriterAsync()
    {
        if (_writer is { IsBroken: true } broken)
        {
            KafkaLog.ProducerReplaced(_logger, "a fatal error of the idempotent producer");
            _writer = null;
            await Task.Run(() =>
            {
                broken.Flush();
                broken.Dispose();
            }).ConfigureAwait(false);
        }

        return _writer ??= new TopicWriter(_settings, _partitions, _logger, _time, OnClientError, OnWentBack);
    }

    /// <summary>Writes a record to each partition, and verifies that this node reads it.</summary>
    private async Task ProbeAsync(TopicWriter writer)
    {
        PartitionState[] partitions = _partitions;
        Task[] returned = new Task[partitions.Length];
        Task<long>[] written = new Task<long>[partitions.Length];
        long[] received = new long[partitions.Length];
        for (int i = 0; i < partitions.Length; i++)
        {
            long number = ++_probes;
            returned[i] = partitions[i].ExpectProbe(number);
            received[i] = partitions[i].Received;
            written[i] = AppendProbeAsync(writer, i, number);
        }

        try
        {
            using RunningTimeout timeout = new(_options.ProbeTimeout, _time, HasProgressed);
            await timeout.WaitAsync(Task.WhenAll(Task.WhenAll(returned), Task.WhenAll(written)), _stopping.Token).ConfigureAwait(false);
            _silences = 0;
        }
        catch (TimeoutException)
        {
            if (!Array.Exists(written, static each => !each.IsCompletedSuccessfully) && ++_silences >= SilencesBeforeNewReader)
            {
                _silences = 0;
                TopicReader? silent = _reader;
                _reader = null; // made anew by the next attempt
                await Task.Run(() => silent?.Dispose()).ConfigureAwait(false);
            }

            throw new TimeoutException(
                $"{returned.Count(static each => !each.IsCompletedSuccessfully)} of {partitions.Length} partitions have not returned a probe.");
        }
        finally
        {
            for (int i = 0; i < partitions.Length; i++)
            {
                partitions[i].IsUp = returned[i].IsCompletedSuccessfully && written[i].IsCompletedSuccessfully;
            }
        }

        // Records read meanwhile show that reading works and that the probe is behind them.
        bool HasProgressed()
        {
            bool has = true;
            for (int i = 0; i < partitions.Length; i++)
            {
                long now = partitions[i].Received;
                has &= now != received[i] || returned[i].IsCompletedSuccessfully;
                received[i] = now;
            }

            return has;
        }
    }

    // Asynchronous also if the record is refused at once.
    private async Task<long> AppendProbeAsync(TopicWriter writer, int partition, long number)
        => await writer.AppendAsync(partition, null, Record.OfProbe(_sink!.NodeId, number)).ConfigureAwait(false);
}
