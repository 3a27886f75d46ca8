using Weir.Brokers.Kafka.Diagnostics;
using Weir.Brokers.Kafka.Log;
using Weir.Brokers.Kafka.Wire;
using Weir.Relay.Brokers;
using Weir.Timing;

namespace Weir.Brokers.Kafka;

/// <summary>
/// Presence: each change and each refresh is a record in the room's partition, and every node keeps the table that the records make. A node
/// that starts, or has missed records, asks the others for their clients.
/// </summary>
public sealed partial class KafkaBroker
{
    private static readonly TimeSpan _sweepInterval = TimeSpan.FromSeconds(1);

    /// <inheritdoc />
    public async ValueTask SetPresenceAsync(string room, RoomMember member, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        ArgumentNullException.ThrowIfNull(member);
        int partition = KeyOf(room).Partition;
        Task<long> write;
        lock (_own.Gate)
        {
            _own.SetInsideGate(room, member, lifetime);
            write = WriterFor(partition).WriteAsync(partition, null, Record.OfPresent(RecordKind.Present, room, member, lifetime));
        }

        await WhenReadAsync(partition, write, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async ValueTask RemovePresenceAsync(string room, string client, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        ArgumentNullException.ThrowIfNull(client);
        int partition = KeyOf(room).Partition;
        Task<long> write;
        lock (_own.Gate)
        {
            _own.RemoveInsideGate(room, client);
            write = WriterFor(partition).WriteAsync(partition, null, Record.OfAbsent(room, client));
        }

        await WhenReadAsync(partition, write, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Gets the clients that are present, on all nodes: those whose records this node has read.</summary>
    /// <inheritdoc />
    public ValueTask<IReadOnlyList<RoomMember>> ReadPresenceAsync(string room, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        if (Health == BrokerHealth.Degraded)
        {
            throw Unavailable();
        }

        lock (_presence.Gate)
        {
            return new(_presence.ReadInsideGate(room));
        }
    }

    // A change is complete when this node has read it itself, so that its next query shows it.
    private async Task WhenReadAsync(int partition, Task<long> write, CancellationToken cancellationToken)
    {
        long offset = await write.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (offset < 0)
        {
            return; // a repeated record whose offset Kafka does not report
        }

        try
        {
            using RunningTimeout timeout = new(_options.PublishTimeout, _time);
            await timeout.WaitAsync(_partitions[partition].WhenReadAsync(offset), cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException error)
        {
            throw new BrokerUnavailableException("The record was written and has not been read in time.", isUnknown: true, error);
        }
    }

    private void OnPresent(string room, RoomMember member, TimeSpan lifetime, bool isAnnounced)
    {
        lock (_presence.Gate)
        {
            if (_presence.SetInsideGate(room, member, lifetime) && isAnnounced && _rooms.Contains(room))
            {
                _sink!.OnPresenceChanged(room, member, hasJoined: true);
            }
        }
    }

    private void OnAbsent(string room, string client)
    {
        lock (_presence.Gate)
        {
            RemoveInsideGate(room, client);
        }
    }

    private void RemoveInsideGate(string room, string client)
    {
        if (_presence.RemoveInsideGate(room, client) is { } member && _rooms.Contains(room))
        {
            _sink!.OnPresenceChanged(room, member, hasJoined: false);
        }
    }

    // Only while records are read: an outage ends no presence.
    private void SweepPresence()
    {
        try
        {
            lock (_presence.Gate)
            {
                if (Health == BrokerHealth.Degraded)
                {
                    return;
                }

                foreach ((string room, string client) in _presence.ExpiredInsideGate())
                {
                    RemoveInsideGate(room, client);
                }
            }
        }
        catch (Exception error)
        {
            KafkaLog.SinkFailed(_logger, error);
        }
    }

    private void AskForPresence(TopicWriter writer) => _ = ObserveAsync(
        writer.AppendAsync(OwnPartition, null, Record.OfPresenceQuery(_sink!.NodeId)));

    private void AnswerPresence()
    {
        int failed = 0;
        BrokerUnavailableException? last = null;
        lock (_own.Gate)
        {
            foreach ((string room, RoomMember member, TimeSpan rest) in _own.ReadInsideGate())
            {
                try
                {
                    int partition = KeyOf(room).Partition;
                    _ = ObserveAsync(WriterFor(partition).WriteAsync(
                        partition, null, Record.OfPresent(RecordKind.StillPresent, room, member, rest)));
                }
                catch (BrokerUnavailableException error)
                {
                    failed++;
                    last = error;
                }
            }
        }

        if (last is not null)
        {
            KafkaLog.NotAnswered(_logger, last, failed); // the next refresh of each client reports it
        }
    }

    private async Task ObserveAsync(Task<long> write)
    {
        try
        {
            await write.ConfigureAwait(false);
        }
        catch (BrokerUnavailableException error)
        {
            KafkaLog.NotAnswered(_logger, error, 1);
        }
    }
}
