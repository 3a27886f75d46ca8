using Weir.Client.Events;

namespace Weir.Client.Transport;

/// <summary>Creates connections. A failure is a result, not an exception.</summary>
internal interface IClientTransport
{
    /// <summary>Creates one; if it is cancelled before, the result is <see cref="EndKind.TimedOut"/>.</summary>
    ValueTask<ConnectAttempt> ConnectAsync(ConnectRequest request, CancellationToken cancel);
}

/// <summary>The address and settings of a connection.</summary>
internal sealed record ConnectRequest(Uri Address, string? Subprotocol)
{
    /// <summary>The token for the headers of the upgrade request.</summary>
    public string? Token { get; init; }

    /// <summary>The idle time after which a Ping is sent; infinite for no Pings.</summary>
    public TimeSpan PingInterval { get; init; } = Timeout.InfiniteTimeSpan;
}

/// <summary>A connection, or why it was not established.</summary>
internal readonly record struct ConnectAttempt(IClientConnection? Connection, ConnectionEnd? End);
