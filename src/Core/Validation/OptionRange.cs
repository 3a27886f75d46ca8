using System.Numerics;
using System.Runtime.CompilerServices;

namespace Weir.Validation;

/// <summary>
/// Validation for the setters of options. Each value has a minimum and a maximum, so that no clock, counter or timer behind it
/// overflows; the exception names the option and both bounds.
/// </summary>
internal static class OptionRange
{
    /// <summary>
    /// The longest duration of a timer: 24 days. Timers count milliseconds in 32 bits, of which .NET accepts 49.7 days, and
    /// browsers and other clients that receive a duration 24.8.
    /// </summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(24);

    /// <summary>For durations that are stored and compared, without a timer: ten years.</summary>
    public static readonly TimeSpan LongestKept = TimeSpan.FromDays(3650);

    /// <summary>For durations on the timer wheel, which accepts any: <see cref="TimeSpan.MaxValue"/> is in effect never.</summary>
    public static TimeSpan OnWheel(TimeSpan value, TimeSpan least, [CallerMemberName] string option = "")
        => Duration(value, least, TimeSpan.MaxValue, option);

    /// <summary>Above zero, up to <see cref="Longest"/>.</summary>
    public static TimeSpan Positive(TimeSpan value, [CallerMemberName] string option = "")
        => Duration(value, TimeSpan.FromTicks(1), Longest, option);

    /// <summary>From zero up to <see cref="Longest"/>.</summary>
    public static TimeSpan NotNegative(TimeSpan value, [CallerMemberName] string option = "")
        => Duration(value, TimeSpan.Zero, Longest, option);

    /// <summary>A duration between bounds, both included.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is outside; <see cref="Timeout.InfiniteTimeSpan"/> always is.</exception>
    public static TimeSpan Duration(TimeSpan value, TimeSpan least, TimeSpan most, [CallerMemberName] string option = "")
        => value >= least && value <= most ? value
            : throw new ArgumentOutOfRangeException(
                option, value, $"{option} must be a time from {least} to {most}; Timeout.InfiniteTimeSpan is not accepted.");

    /// <summary>A number between bounds, both included.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is outside.</exception>
    public static T Number<T>(T value, T least, T most, [CallerMemberName] string option = "")
        where T : INumber<T>
        => value >= least && value <= most ? value
            : throw new ArgumentOutOfRangeException(option, value, $"{option} must be a number from {least} to {most}.");
}
