using System.Buffers;

namespace Weir.Brokers.Nats.Connection;

/// <summary>Receives a subscription's messages in order, on the thread that reads the connection; must not block or throw.</summary>
internal interface IMessageHandler
{
    /// <summary>The buffers are valid during the call.</summary>
    void OnMessage(string subject, string? replyTo, ReadOnlySequence<byte> header, ReadOnlySequence<byte> payload);
}
