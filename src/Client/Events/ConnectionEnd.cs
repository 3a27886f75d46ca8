using System.Globalization;

namespace Weir.Client.Events;

/// <summary>How a connection ended, or why it was not established.</summary>
/// <param name="Kind">The kind of end.</param>
public sealed record ConnectionEnd(EndKind Kind)
{
    /// <summary>The close code; 1005 if the close frame had none (RFC 6455, section 7.1.5); 0 without a close frame.</summary>
    public int CloseCode { get; init; }

    /// <summary>The reason from the server, or the client's own. Never <c>null</c>; for people, not for programs.</summary>
    public string Reason { get; init; } = "";

    /// <summary>The status of the response to the upgrade; 0 without a response.</summary>
    public int HttpStatus { get; init; }

    /// <summary>The server's <c>Retry-After</c>; <c>null</c> if it was not sent.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The error code of the protocol above WebSocket; 0 without an error.</summary>
    public int ErrorCode { get; init; }

    /// <summary>Whether the server marked its error as temporary.</summary>
    public bool IsTemporary { get; init; }

    /// <summary>The underlying exception; <c>null</c> if there is none.</summary>
    public Exception? Error { get; init; }

    /// <summary>Returns one line for a log.</summary>
    public override string ToString()
    {
        string what = Kind switch
        {
            EndKind.ClosedByServer => string.Create(CultureInfo.InvariantCulture, $"closed by the server with {CloseCode}"),
            EndKind.ClosedByClient => "closed by this client",
            EndKind.Refused => string.Create(CultureInfo.InvariantCulture, $"refused with HTTP {HttpStatus}"),
            EndKind.Unreachable => "unreachable",
            EndKind.TlsFailed => "TLS failed",
            EndKind.TimedOut => "timed out",
            EndKind.ConnectionLost => "connection lost",
            EndKind.HeartbeatTimeout => "heartbeat timeout",
            EndKind.ProtocolError => "protocol error",
            EndKind.TokenFailed => "the token could not be got",
            EndKind.NoToken => "no token",
            _ => string.Create(CultureInfo.InvariantCulture, $"rejected with error {ErrorCode}"),
        };
        return Reason.Length == 0 ? what : $"{what}: {Reason}";
    }
}
