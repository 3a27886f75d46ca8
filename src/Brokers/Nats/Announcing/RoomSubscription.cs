using System.Buffers;
using System.Text;
using Microsoft.Extensions.Logging;
using Weir.Brokers.Nats.Connection;
using Weir.Brokers.Nats.Diagnostics;
using Weir.Brokers.Nats.Logs;
using Weir.Brokers.Nats.Wire;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Nats.Announcing;

/// <summary>The announcements of one room, given to the node. Called by one thread at a time.</summary>
internal sealed class RoomSubscription(string room, string subject, IBrokerSink sink, ILogger logger) : IMessageHandler
{
    private string _epoch = "";

    public string Room => room;

    public string Subject => subject;

    public void OnMessage(string subject, string? replyTo, ReadOnlySequence<byte> header, ReadOnlySequence<byte> payload)
    {
        try
        {
            RecordReader reader = new(payload.ToArray()); // kept by the publications
            if (!reader.TryBegin(out MessageType type) || !Deliver(type, ref reader))
            {
                NatsLog.MessageUnreadable(logger, null, subject);
            }
        }
        catch (InvalidDataException error)
        {
            NatsLog.MessageUnreadable(logger, error, subject);
        }
        catch (Exception error)
        {
            // The reader of the connection must continue for the other rooms.
            NatsLog.SinkFailed(logger, error);
        }
    }

    private bool Deliver(MessageType type, ref RecordReader reader)
    {
        switch (type)
        {
            case MessageType.Log:
                ReadOnlySpan<byte> epoch = LogRecord.ReadEpoch(ref reader).Span;
                if (!Ascii.Equals(epoch, _epoch))
                {
                    _epoch = Encoding.UTF8.GetString(epoch);
                }

                DeliverStored(ref reader, reader.ReadCount());
                return true;

            case MessageType.Publications:
                DeliverUnstored(ref reader);
                return true;

            case MessageType.Joined or MessageType.Left:
                sink.OnPresenceChanged(room, Bodies.ReadMember(reader.ReadRest()), hasJoined: type == MessageType.Joined);
                return true;

            default:
                return false;
        }
    }

    private void DeliverStored(ref RecordReader reader, int count)
    {
        long offset = 0;
        if (count == 1)
        {
            sink.OnPublication(room, LogRecord.ReadPublication(ref reader, ref offset), _epoch);
            return;
        }

        sink.OnBatchBegins();
        try
        {
            for (int i = 0; i < count; i++)
            {
                sink.OnPublication(room, LogRecord.ReadPublication(ref reader, ref offset), _epoch);
            }
        }
        finally
        {
            sink.OnBatchEnded();
        }
    }

    private void DeliverUnstored(ref RecordReader reader)
    {
        sink.OnBatchBegins();
        try
        {
            while (!reader.IsAtEnd)
            {
                sink.OnPublication(room, Bodies.ReadPublication(reader.ReadField(), 0), "");
            }
        }
        finally
        {
            sink.OnBatchEnded();
        }
    }
}
