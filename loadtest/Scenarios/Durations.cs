using System.CommandLine.Parsing;
using System.Globalization;

namespace Weir.LoadTest.Scenarios;

/// <summary>Times on the command line: <c>200us</c>, <c>50ms</c>, <c>10s</c>, <c>2m</c>, <c>4h</c>, or a number of seconds.</summary>
internal static class Durations
{
    private static readonly (string Unit, double Seconds)[] _units = [("us", 1e-6), ("ms", 1e-3), ("s", 1), ("m", 60), ("h", 3600)];

    public static TimeSpan? Parse(string text)
    {
        (string unit, double seconds) = Array.Find(_units, each => text.EndsWith(each.Unit, StringComparison.Ordinal));
        string number = unit is null ? text : text[..^unit.Length];
        return double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value >= 0
            ? TimeSpan.FromSeconds(value * (unit is null ? 1 : seconds))
            : null;
    }

    /// <summary>For options.</summary>
    public static TimeSpan? Parse(ArgumentResult result)
    {
        TimeSpan? time = Parse(result.Tokens[0].Value);
        if (time is null)
        {
            result.AddError($"'{result.Tokens[0].Value}' is no time like 50ms, 10s, 2m or 4h.");
        }

        return time;
    }
}
