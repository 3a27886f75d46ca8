namespace Weir.Auth.Tokens;

/// <summary>RFC 7519 section 2: seconds since 1970, with or without a fraction, kept to the millisecond.</summary>
internal static class NumericDate
{
    /// <summary>The error text for one that cannot be read.</summary>
    public const string Complaint = "is no date in the years 1 to 9999: it must be in seconds since 1970, not in milliseconds";

    /// <returns>False if it is outside the years 1 to 9999.</returns>
    public static bool TryRead(double seconds, out DateTimeOffset date)
    {
        bool isDate = seconds >= DateTimeOffset.MinValue.ToUnixTimeSeconds() && seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds();
        date = isDate ? DateTimeOffset.UnixEpoch.AddMilliseconds(Math.Floor(seconds * 1000)) : default;
        return isDate;
    }
}
