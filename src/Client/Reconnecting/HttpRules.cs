using System.Globalization;

namespace Weir.Client.Reconnecting;

/// <summary>What the answer to an upgrade means, if it is not 101.</summary>
internal static class HttpRules
{
    /// <summary>Whether the same request may be answered otherwise later (RFC 9110, section 15).</summary>
    public static bool MayReturn(int status, bool canRenewToken) => status switch
    {
        401 => canRenewToken,
        408 or 421 or 425 or 429 => true,
        >= 400 and < 500 => false,
        // What is no error is no upgrade either: a captive portal, or a page of a proxy that is being set up.
        _ => true,
    };

    /// <summary>Reads Retry-After, seconds or a date (RFC 9110, section 10.2.3); null if it is neither.</summary>
    public static TimeSpan? ReadRetryAfter(string value, DateTimeOffset now)
    {
        if (long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long seconds))
        {
            return TimeSpan.FromSeconds(Math.Min(seconds, int.MaxValue));
        }

        if (DateTimeOffset.TryParseExact(value, "r", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset date))
        {
            return date > now ? date - now : TimeSpan.Zero;
        }

        return null;
    }
}
