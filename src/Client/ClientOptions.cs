using System.Net.WebSockets;
using Weir.Client.Transport;

namespace Weir.Client;

/// <summary>What both clients have in common. Values are read when the client is made.</summary>
public abstract class ClientOptions
{
    private protected ClientOptions()
    {
    }

    /// <summary>When to come back.</summary>
    public ReconnectOptions Reconnect { get; } = new();

    /// <summary>What may wait to be sent, and what happens when that is too much.</summary>
    public SendQueueOptions SendQueue { get; } = new();

    /// <summary>
    /// The longest that a connection may take to be made, from the name to the answer to the upgrade. Default 10 s; infinite: for as
    /// long as it takes. Time in which this process did not run does not count.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public TimeSpan ConnectTimeout { get; set => field = Check.Limit(value); } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Brings the token that the server asks for. Called before the first connection, and again when the server has said that the
    /// token is no good any more; in between the last one is used again, so that ten thousand clients that come back do not all ask
    /// for a new one. Default null: no token is sent.
    /// </summary>
    /// <remarks>
    /// Null or "" as the token ends the client: without one it is not allowed in. An exception, no result within
    /// <see cref="TokenTimeout"/>, or a token that cannot be sent counts as a failed attempt (<see cref="EndKind.TokenFailed"/>), and is
    /// tried again like any other. Called on a thread of the pool, so it may block.
    /// </remarks>
    public Func<CancellationToken, ValueTask<string?>>? GetToken { get; set; }

    /// <summary>
    /// The longest that a callback for a token may take, that of a subscription too. Default 30 s; infinite: for as long as it takes.
    /// Then its token is cancelled, and what it brings later is disregarded.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public TimeSpan TokenTimeout { get; set => field = Check.Limit(value); } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The largest message, in bytes. Default 16 MiB: a server that answers with what was missed may send much at once. A larger one
    /// ends the connection with 1009, and the client comes back.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public int MaxMessageBytes { get; set => field = Check.Positive(value); } = 16 << 20;

    /// <summary>
    /// Sets what else the WebSocket needs: a proxy, certificates, headers, compression. Called for each connection. What it throws
    /// ends the client.
    /// </summary>
    public Action<ClientWebSocketOptions>? ConfigureSocket { get; set; }

    /// <summary>The clock for delays and time-outs, but not for the socket's own keep-alive. Default the system's.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>Random numbers from 0 up to but not 1, for the delays. Called by the client's own task. Default the system's.</summary>
    public Func<double> NextRandom { get; set; } = Random.Shared.NextDouble;

    /// <summary>Where connections come from; null for real ones.</summary>
    internal IClientTransport? Transport { get; set; }
}
