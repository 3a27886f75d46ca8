using System.Globalization;

namespace Weir.Client.Transport;

/// <summary>Reads the header field <c>Retry-After</c>.</summary>
internal static class RetryAfter
{
    /// <summary>Reads a value, seconds or a date (RFC 9110, section 10.2.3); <c>null</c> if it is neither.</summary>
    public static TimeSpan? Read(string value, DateTimeOffset now)
    {
        if (value.Length > 0 && !value.AsSpan().ContainsAnyExceptInRange('0', '9'))
        {
            // A number too large to parse is still a long time.
            return TimeSpan.FromSeconds(long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long seconds)
                ? Math.Min(seconds, int.MaxValue) : int.MaxValue);
        }

        if (DateTimeOffset.TryParseExact(value, "r", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset date))
        {
            return date > now ? date - now : TimeSpan.Zero;
        }

        return null;
    }
}
