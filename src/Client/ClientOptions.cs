using System.Net.WebSockets;
using Weir.Client.Events;
using Weir.Client.Transport;
using Weir.Client.Validation;

namespace Weir.Client;

/// <summary>Settings of both clients. Values are read when the client is created.</summary>
public abstract class ClientOptions
{
    private protected ClientOptions()
    {
    }

    /// <summary>When to reconnect.</summary>
    public ReconnectOptions Reconnect { get; } = new();

    /// <summary>The limits of the send queue, and the policy when it is full.</summary>
    public SendQueueOptions SendQueue { get; } = new();

    /// <summary>
    /// The longest time to establish a connection, from name resolution to the response to the upgrade. Default 10 s; infinite: no
    /// limit. Time during which this process was paused does not count.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public TimeSpan ConnectTimeout { get; set => field = Check.Limit(value); } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Returns the token for the server. Called before the first connection, and again when the server has rejected the token; in
    /// between the last one is reused, so that ten thousand reconnecting clients do not all request a new one. Default <c>null</c>:
    /// no token is sent.
    /// </summary>
    /// <remarks>
    /// <c>null</c> or "" as the token ends the client, which is not admitted without one. An exception, no result within
    /// <see cref="TokenTimeout"/>, or a token that cannot be sent counts as a failed attempt (<see cref="EndKind.TokenFailed"/>),
    /// and is retried like any other. Called on a thread-pool thread, so it may block.
    /// </remarks>
    public Func<CancellationToken, ValueTask<string?>>? GetToken { get; set; }

    /// <summary>
    /// The longest time for a token callback, also of a subscription. Default 30 s; infinite: no limit. After it the callback's
    /// cancellation token is cancelled, and a later result is ignored.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public TimeSpan TokenTimeout { get; set => field = Check.Limit(value); } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The largest message, in bytes. Default 16 MiB, because a recovery may be large. A larger message ends the connection with
    /// 1009, and the client reconnects.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public int MaxMessageBytes { get; set => field = Check.Positive(value); } = 16 << 20;

    /// <summary>
    /// Sets further options of the WebSocket: proxy, certificates, headers, compression. Called for each connection. An exception
    /// ends the client.
    /// </summary>
    public Action<ClientWebSocketOptions>? ConfigureSocket { get; set; }

    /// <summary>The clock for delays and timeouts, but not for the socket's own keep-alive. Default the system's.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>
    /// Returns random numbers from 0 (inclusive) to 1 (exclusive) for the delays. Called by the client's own task. Default the
    /// system's.
    /// </summary>
    public Func<double> NextRandom { get; set; } = Random.Shared.NextDouble;

    /// <summary>Creates the connections; <c>null</c> for sockets.</summary>
    internal IClientTransport? Transport { get; set; }
}
