using Weir.Framing;

namespace Weir;

/// <summary>What a handler decides about an opening handshake.</summary>
public readonly struct UpgradeDecision
{
    private UpgradeDecision(int statusCode, string? reason, CloseCode? closeCode = null, object? state = null)
    {
        StatusCode = statusCode;
        Reason = reason;
        CloseCode = closeCode;
        State = state;
    }

    /// <summary>Answer with 101 and open the connection.</summary>
    public static UpgradeDecision Accept => default;

    /// <summary>The HTTP status of the refusal, 101 where it is a <see cref="CloseCode"/>; 0 when accepted.</summary>
    public int StatusCode { get; }

    /// <summary>The one line sent as the body of the refusal, or as the reason of its close; null when accepted.</summary>
    public string? Reason { get; }

    /// <summary>The code of a refusal by <see cref="CloseAtOnce"/>; else null.</summary>
    public CloseCode? CloseCode { get; }

    /// <summary>What <see cref="AcceptWith"/> was given; else null.</summary>
    public object? State { get; }

    /// <summary>True when the connection may open.</summary>
    public bool IsAccepted => StatusCode == 0;

    /// <summary>Answer with 101 and open the connection, with what was found out about it.</summary>
    /// <param name="state"><see cref="WeirConnection.State"/>, as <see cref="WeirHandler.OnOpenedAsync"/> finds it.</param>
    public static UpgradeDecision AcceptWith(object state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return new UpgradeDecision(0, reason: null, state: state);
    }

    /// <summary>
    /// Answer with 101 and a Close frame, and open nothing: a refusal that a page can read, since browsers hide the HTTP status
    /// of a failed handshake. It takes no place of the node's limits, and the handler does not hear of it again.
    /// </summary>
    /// <param name="code">Why, from 4000 to 4999 for codes of one's own.</param>
    /// <param name="reason">At most 123 bytes of UTF-8; a longer one is cut at a character. Never a secret.</param>
    /// <exception cref="ArgumentOutOfRangeException">The code may not be sent (RFC 6455 section 7.4).</exception>
    public static UpgradeDecision CloseAtOnce(CloseCode code, string reason)
    {
        ClosePayload.ThrowUnlessSendable(code, reason);
        return new UpgradeDecision(101, reason, code);
    }

    /// <summary>Answer with an HTTP error and close. A 401 carries <c>WWW-Authenticate: Bearer</c>.</summary>
    /// <param name="statusCode">400 to 599.</param>
    /// <param name="reason">One line for whoever reads the answer; never a secret.</param>
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
