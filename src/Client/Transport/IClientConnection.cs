using Weir.Client.Events;

namespace Weir.Client.Transport;

/// <summary>A WebSocket. One receive and one send at a time; disposal aborts it if it is still open.</summary>
internal interface IClientConnection : IAsyncDisposable
{
    /// <summary>
    /// Gets the time since data last arrived from the peer; zero while received data is unread, for whatever reason. Any thread.
    /// </summary>
    TimeSpan IdleFor { get; }

    /// <summary>Receives the next message, or the end of the connection, after which it is not called again.</summary>
    ValueTask<Received> ReceiveAsync(CancellationToken cancel);

    /// <summary>Sends a message. Returns false if the connection is broken; how much was sent is then unknown.</summary>
    ValueTask<bool> SendAsync(ReadOnlyMemory<byte> payload, bool isText, CancellationToken cancel);

    /// <summary>Sends a close frame, and does not wait for the peer's.</summary>
    ValueTask CloseAsync(int code, string reason, CancellationToken cancel);
}

/// <summary>A message, whose bytes the receiver owns, or the end.</summary>
internal readonly record struct Received(ReadOnlyMemory<byte> Payload, bool IsText, ConnectionEnd? End);
