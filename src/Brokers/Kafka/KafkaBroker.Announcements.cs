using Weir.Brokers.Kafka.Diagnostics;
using Weir.Brokers.Kafka.Log;
using Weir.Brokers.Kafka.Wire;
using Weir.Relay.Brokers;
using Weir.Relay.Wire;

namespace Weir.Brokers.Kafka;

public sealed partial class KafkaBroker
{
    void IRecordTarget.OnBatchBegins() => _sink!.OnBatchBegins();

    void IRecordTarget.OnBatchEnded() => _sink!.OnBatchEnded();

    void IRecordTarget.OnRecord(PartitionState partition, long offset, SubscribedRoom? room, byte[] value)
    {
        try
        {
            if (value.Length < 2 || value[0] != Record.Version
                || !Deliver(partition, offset, room, (RecordKind)value[1], value.AsMemory(2)))
            {
                KafkaLog.RecordUnreadable(_logger, partition.Id);
            }
        }
        catch (Exception error)
        {
            // The reader must continue for the other rooms.
            KafkaLog.SinkFailed(_logger, error);
        }
    }

    void IRecordTarget.OnMissed(PartitionState partition, long expected, long first)
    {
        _metrics.Missed();
        KafkaLog.RecordsMissed(_logger, partition.Id, expected, first);
        _mustAskForPresence = true;
        if (first < expected)
        {
            _rooms.ForgetOffsets();
        }

        OnDisturbed($"Records of partition {partition.Id} no longer exist.", null);
    }

    void IRecordTarget.OnReadFailed(string what, Exception? error) => OnDisturbed(what, error);

    private bool Deliver(PartitionState partition, long offset, SubscribedRoom? room, RecordKind kind, ReadOnlyMemory<byte> body)
    {
        IBrokerSink sink = _sink!;
        switch (kind)
        {
            case RecordKind.Publication when room is not null:
                if (!PublicationBody.TryRead(body, offset: 0, out Publication? publication))
                {
                    return false;
                }

                if (offset >= room.From)
                {
                    sink.OnPublication(room.Name, publication, epoch: "");
                }

                return true;

            case RecordKind.Present or RecordKind.StillPresent:
                if (!Record.TryReadPresent(body, out string joined, out RoomMember? member, out TimeSpan lifetime))
                {
                    return false;
                }

                OnPresent(joined, member!, lifetime, isAnnounced: kind == RecordKind.Present);
                return true;

            case RecordKind.Absent:
                if (!Record.TryReadAbsent(body, out string left, out string client))
                {
                    return false;
                }

                OnAbsent(left, client);
                return true;

            case RecordKind.Control:
                if (!Record.TryReadControl(body, out string sender, out string receiver, out ReadOnlyMemory<byte> message))
                {
                    return false;
                }

                // A message for all others reaches its sender as well.
                if (receiver == sink.NodeId || (receiver.Length == 0 && sender != sink.NodeId))
                {
                    sink.OnControl(message);
                }

                return true;

            case RecordKind.Probe:
                if (!Record.TryReadProbe(body, out string prober, out long number))
                {
                    return false;
                }

                if (prober == sink.NodeId)
                {
                    partition.OnProbe(number);
                }

                return true;

            case RecordKind.PresenceQuery:
                if (!Record.TryReadPresenceQuery(body, out string asking))
                {
                    return false;
                }

                if (asking != sink.NodeId)
                {
                    AnswerPresence();
                }

                return true;

            default:
                return false;
        }
    }
}
