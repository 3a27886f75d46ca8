using Weir.Protocol;

namespace Weir.Handshake;

/// <summary>A handler's decision on an opening handshake.</summary>
public readonly struct UpgradeDecision
{
    private UpgradeDecision(int statusCode, string? reason, CloseCode? closeCode = null, object? state = null)
    {
        StatusCode = statusCode;
        Reason = reason;
        CloseCode = closeCode;
        State = state;
    }

    /// <summary>Answers with 101 and opens the connection.</summary>
    public static UpgradeDecision Accept => default;

    /// <summary>The HTTP status of the refusal, 101 for one with a <see cref="CloseCode"/>; 0 if accepted.</summary>
    public int StatusCode { get; }

    /// <summary>The one line sent as the body of the refusal, or as its close reason; <c>null</c> if accepted.</summary>
    public string? Reason { get; }

    /// <summary>The code of a refusal by <see cref="CloseAtOnce"/>; else <c>null</c>.</summary>
    public CloseCode? CloseCode { get; }

    /// <summary>The state passed to <see cref="AcceptWith"/>; else <c>null</c>.</summary>
    public object? State { get; }

    /// <summary>Whether the connection may open.</summary>
    public bool IsAccepted => StatusCode == 0;

    /// <summary>Answers with 101 and opens the connection, with state for it.</summary>
    /// <param name="state">The initial <c>WeirConnection.State</c>, set before <c>WeirHandler.OnOpenedAsync</c>.</param>
    public static UpgradeDecision AcceptWith(object state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return new UpgradeDecision(0, reason: null, state: state);
    }

    /// <summary>
    /// Answers with 101 and a Close frame, and opens no connection: a refusal that a page can read, since browsers hide the HTTP
    /// status of a failed handshake. It does not count towards the node's limits, and the handler is not called for it again.
    /// </summary>
    /// <param name="code">The code; application-defined ones are 4000 to 4999.</param>
    /// <param name="reason">At most 123 bytes of UTF-8; a longer one is truncated at a character. Never a secret.</param>
    /// <exception cref="ArgumentOutOfRangeException">The code may not be sent (RFC 6455 section 7.4).</exception>
    public static UpgradeDecision CloseAtOnce(CloseCode code, string reason)
    {
        ClosePayload.ThrowUnlessSendable(code, reason);
        return new UpgradeDecision(101, reason, code);
    }

    /// <summary>Answers with an HTTP error and closes. A 401 carries <c>WWW-Authenticate: Bearer</c>.</summary>
    /// <param name="statusCode">400 to 599.</param>
    /// <param name="reason">One line, sent to the client; never a secret.</param>
    /// <exception cref="ArgumentOutOfRangeException">The status is not an error.</exception>
    /// <exception cref="ArgumentException">The reason is empty or has a line break.</exception>
    public static UpgradeDecision Refuse(int statusCode, string reason)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(statusCode, 400);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(statusCode, 599);
        ArgumentException.ThrowIfNullOrWhiteSpace(reason);
        if (reason.AsSpan().ContainsAny('\r', '\n'))
        {
            throw new ArgumentException("The reason must be one line.", nameof(reason));
        }

        return new UpgradeDecision(statusCode, reason);
    }
}
