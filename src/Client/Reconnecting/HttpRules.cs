namespace Weir.Client.Reconnecting;

/// <summary>Interprets a response to an upgrade other than 101.</summary>
internal static class HttpRules
{
    /// <summary>Whether the same request may succeed later (RFC 9110, section 15).</summary>
    /// <param name="status">The status.</param>
    /// <param name="canRenewToken">Whether another token can be obtained.</param>
    /// <param name="hasConnected">
    /// Whether this client has been connected before. Then its request is known to be valid, and a 4xx comes from an intermediary:
    /// a proxy whose routes are being changed answers 404 or 403 for some seconds.
    /// </param>
    public static bool MayReturn(int status, bool canRenewToken, bool hasConnected) => status switch
    {
        401 => canRenewToken,
        408 or 421 or 425 or 429 => true,
        >= 400 and < 500 => hasConnected,
        // Also a response that is neither an error nor an upgrade: a captive portal, or the page of a proxy that is being set up.
        _ => true,
    };
}
