using System.Buffers;
using NATS.Client.Core;

namespace Weir.Brokers.Nats.Connection;

/// <summary>
/// A subscription whose messages are handed on by the reader of the connection itself, without a queue: the library's queue drops messages
/// when it is full, the last but one first, so that only a counter shows it. The handler only enqueues.
/// </summary>
internal sealed class DirectSubscription(NatsConnection connection, string subject, IMessageHandler handler, Session session)
    : NatsSubBase(connection, connection.SubscriptionManager, subject, queueGroup: null, opts: null)
{
    public override ValueTask ReceiveAsync(
        string subject, string? replyTo, ReadOnlySequence<byte>? headersBuffer, ReadOnlySequence<byte> payloadBuffer)
    {
        session.Deliver(handler, subject, replyTo, headersBuffer ?? default, payloadBuffer);
        return default;
    }

    protected override ValueTask ReceiveInternalAsync(
        string subject, string? replyTo, ReadOnlySequence<byte>? headersBuffer, ReadOnlySequence<byte> payloadBuffer) => default;

    protected override void TryComplete()
    {
        // There is no queue to complete.
    }
}
