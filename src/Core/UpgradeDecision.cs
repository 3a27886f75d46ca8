namespace Weir;

/// <summary>What a handler decides about an opening handshake.</summary>
public readonly struct UpgradeDecision
{
    private UpgradeDecision(int statusCode, string reason)
    {
        StatusCode = statusCode;
        Reason = reason;
    }

    /// <summary>Answer with 101 and open the connection.</summary>
    public static UpgradeDecision Accept => default;

    /// <summary>The HTTP status of the refusal; 0 when accepted.</summary>
    public int StatusCode { get; }

    /// <summary>The one line sent as the body of the refusal; null when accepted.</summary>
    public string? Reason { get; }

    /// <summary>True when the connection may open.</summary>
    public bool IsAccepted => StatusCode == 0;

    /// <summary>Answer with an HTTP error and close.</summary>
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
