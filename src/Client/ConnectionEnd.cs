using System.Globalization;

namespace Weir.Client;

/// <summary>How a connection ended, or why there was none.</summary>
/// <param name="Kind">In one word.</param>
public sealed record ConnectionEnd(EndKind Kind)
{
    /// <summary>The code of the Close; 1005 if it had none (RFC 6455, section 7.1.5); 0 if there was no Close.</summary>
    public int CloseCode { get; init; }

    /// <summary>What the server gave as a reason, or what the client found. Never null; for people, not for programs.</summary>
    public string Reason { get; init; } = "";

    /// <summary>The status of the answer to the upgrade; 0 if there was none.</summary>
    public int HttpStatus { get; init; }

    /// <summary>For how long the server asks to be left alone; null if it did not say.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The code of an error of the protocol above WebSocket; 0 if there was none.</summary>
    public int ErrorCode { get; init; }

    /// <summary>Whether the server said of its error that it may be gone the next time.</summary>
    public bool IsTemporary { get; init; }

    /// <summary>What was thrown below; null if nothing was.</summary>
    public Exception? Error { get; init; }

    /// <summary>One line for a log.</summary>
    public override string ToString()
    {
        string what = Kind switch
        {
            EndKind.ClosedByServer => string.Create(CultureInfo.InvariantCulture, $"closed by the server with {CloseCode}"),
            EndKind.ClosedByClient => "closed by this client",
            EndKind.Refused => string.Create(CultureInfo.InvariantCulture, $"refused with HTTP {HttpStatus}"),
            EndKind.Unreachable => "not reachable",
            EndKind.TlsFailed => "TLS failed",
            EndKind.TimedOut => "timed out",
            EndKind.Cut => "cut",
            EndKind.Silent => "silent for too long",
            EndKind.ProtocolError => "protocol error",
            EndKind.TokenFailed => "the token could not be got",
            EndKind.NoToken => "no token",
            _ => string.Create(CultureInfo.InvariantCulture, $"rejected with error {ErrorCode}"),
        };
        return Reason.Length == 0 ? what : $"{what}: {Reason}";
    }
}
