namespace Weir.Client.Transport;

/// <summary>A WebSocket. One receive and one send at a time; disposing cuts what is still open.</summary>
internal interface IClientConnection : IAsyncDisposable
{
    /// <summary>
    /// How long ago something last came from the other side; zero while something that has come waits to be read, whatever keeps it
    /// waiting. Any thread.
    /// </summary>
    TimeSpan QuietFor { get; }

    /// <summary>The next message, or how the connection ended; after that it is not called again.</summary>
    ValueTask<Received> ReceiveAsync(CancellationToken cancel);

    /// <summary>Sends a message. False: the connection is broken, and how much of it went out nobody knows.</summary>
    ValueTask<bool> SendAsync(ReadOnlyMemory<byte> payload, bool isText, CancellationToken cancel);

    /// <summary>Sends a Close, and does not wait for the answer.</summary>
    ValueTask CloseAsync(int code, string reason, CancellationToken cancel);
}

/// <summary>A message, whose bytes are the receiver's, or the end.</summary>
internal readonly record struct Received(ReadOnlyMemory<byte> Payload, bool IsText, ConnectionEnd? End);
