using System.Buffers;
using Microsoft.Extensions.Logging;
using Weir.Brokers.Nats.Connection;
using Weir.Brokers.Nats.Diagnostics;
using Weir.Brokers.Nats.Wire;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Nats.Announcing;

/// <summary>The messages from other nodes.</summary>
/// <param name="sink">The node.</param>
/// <param name="reply">Replies to a subject that the message has arrived.</param>
/// <param name="logger">The log.</param>
internal sealed class ControlSubscription(IBrokerSink sink, Action<string> reply, ILogger logger) : IMessageHandler
{
    public void OnMessage(string subject, string? replyTo, ReadOnlySequence<byte> header, ReadOnlySequence<byte> payload)
    {
        try
        {
            RecordReader reader = new(payload.ToArray());
            if (!reader.TryBegin(out MessageType type) || type != MessageType.Control)
            {
                NatsLog.MessageUnreadable(logger, null, subject);
                return;
            }

            // A message for all other nodes reaches its sender as well.
            string node = reader.ReadText();
            if (node != sink.NodeId || replyTo is not null)
            {
                sink.OnControl(reader.ReadRest());
            }

            if (replyTo is not null)
            {
                reply(replyTo);
            }
        }
        catch (InvalidDataException error)
        {
            NatsLog.MessageUnreadable(logger, error, subject);
        }
        catch (Exception error)
        {
            NatsLog.SinkFailed(logger, error);
        }
    }
}
