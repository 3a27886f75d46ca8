namespace Weir.Client.Transport;

/// <summary>Makes connections. A failure is an outcome, not an exception.</summary>
internal interface IClientTransport
{
    /// <summary>Makes one; when it is cancelled before, the outcome is <see cref="EndKind.TimedOut"/>.</summary>
    ValueTask<ConnectOutcome> ConnectAsync(ConnectRequest request, CancellationToken cancel);
}

/// <summary>Where to, and with what.</summary>
internal sealed record ConnectRequest(Uri Address, string? Subprotocol)
{
    /// <summary>Goes into the head of the upgrade.</summary>
    public string? Token { get; init; }

    /// <summary>After which silence a Ping of WebSocket goes out; infinite for none.</summary>
    public TimeSpan PingInterval { get; init; } = Timeout.InfiniteTimeSpan;
}

/// <summary>A connection, or why there is none.</summary>
internal readonly record struct ConnectOutcome(IClientConnection? Connection, ConnectionEnd? End);
