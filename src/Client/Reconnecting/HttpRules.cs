using System.Globalization;

namespace Weir.Client.Reconnecting;

/// <summary>What the answer to an upgrade means, if it is not 101.</summary>
internal static class HttpRules
{
    /// <summary>Whether the same request may be answered otherwise later (RFC 9110, section 15).</summary>
    /// <param name="status">The status.</param>
    /// <param name="canRenewToken">Whether another token can be got.</param>
    /// <param name="hasConnected">
    /// Whether this client has been connected before. Then its request is known to be right, and a 4xx comes from what stands in front of
    /// the server for the moment: a proxy whose routes are being changed answers 404 or 403 for some seconds.
    /// </param>
    public static bool MayReturn(int status, bool canRenewToken, bool hasConnected) => status switch
    {
        401 => canRenewToken,
        408 or 421 or 425 or 429 => true,
        >= 400 and < 500 => hasConnected,
        // What is no error is no upgrade either: a captive portal, or a page of a proxy that is being set up.
        _ => true,
    };

    /// <summary>Reads Retry-After, seconds or a date (RFC 9110, section 10.2.3); null if it is neither.</summary>
    public static TimeSpan? ReadRetryAfter(string value, DateTimeOffset now)
    {
        if (value.Length > 0 && !value.AsSpan().ContainsAnyExceptInRange('0', '9'))
        {
            // More digits than a number holds are a long time all the same.
            return TimeSpan.FromSeconds(long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long seconds) ? Math.Min(seconds, int.MaxValue) : int.MaxValue);
        }

        if (DateTimeOffset.TryParseExact(value, "r", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset date))
        {
            return date > now ? date - now : TimeSpan.Zero;
        }

        return null;
    }
}
