using System.Buffers;
using System.Globalization;

namespace Weir.Host.Settings;

/// <summary>
/// Durations in short form: <c>10</c> (seconds), <c>500ms</c>, <c>10s</c>, <c>2m</c>, <c>1h</c>, <c>00:00:10</c>. Plain
/// <c>TimeSpan</c> syntax would read 10 as ten days.
/// </summary>
internal static class Duration
{
    private static readonly SearchValues<char> _numerals = SearchValues.Create("0123456789.");

    public static bool TryParse(string text, out TimeSpan value)
    {
        string trimmed = text.Trim();
        if (trimmed.Contains(':', StringComparison.Ordinal))
        {
            return TimeSpan.TryParse(trimmed, CultureInfo.InvariantCulture, out value);
        }

        int digits = trimmed.AsSpan().IndexOfAnyExcept(_numerals);
        string number = digits < 0 ? trimmed : trimmed[..digits];
        double? secondsPerUnit = (digits < 0 ? "" : trimmed[digits..].Trim()) switch
        {
            "" or "s" => 1,
            "ms" => 0.001,
            "m" => 60,
            "h" => 3600,
            _ => null,
        };
        value = default;
        if (secondsPerUnit is not { } seconds
            || !double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double count)
            || count * seconds > TimeSpan.MaxValue.TotalSeconds / 2)
        {
            return false;
        }

        value = TimeSpan.FromSeconds(count * seconds);
        return true;
    }

    public static string Format(TimeSpan value) => value switch
    {
        { TotalSeconds: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{value.TotalMilliseconds}ms"),
        { TotalSeconds: < 120 } => string.Create(CultureInfo.InvariantCulture, $"{value.TotalSeconds}s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{value.TotalMinutes}m"),
    };
}
