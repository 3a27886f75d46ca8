using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Weir.Validation;

/// <summary>
/// Validation for the setters of options. Each value has a minimum and a maximum, so that no clock, counter or timer behind it
/// overflows; the exception names the option and both bounds. Thread-safe.
/// </summary>
[Experimental("WEIR001")]
public static class OptionRange
{
    /// <summary>
    /// The longest duration of a timer: 24 days. Timers count milliseconds in 32 bits, of which .NET accepts 49.7 days, and
    /// browsers and other clients that receive a duration 24.8.
    /// </summary>
    public static TimeSpan Longest { get; } = TimeSpan.FromDays(24);

    /// <summary>The longest duration that is stored and compared, without a timer: ten years.</summary>
    public static TimeSpan LongestKept { get; } = TimeSpan.FromDays(3650);

    /// <summary>Validates a duration on the timer wheel, which accepts any: <see cref="TimeSpan.MaxValue"/> is in effect never.</summary>
    /// <param name="value">The duration.</param>
    /// <param name="least">The shortest one that is accepted.</param>
    /// <param name="option">The option's name, for the exception.</param>
    /// <returns><paramref name="value"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">It is shorter than <paramref name="least"/>.</exception>
    public static TimeSpan OnWheel(TimeSpan value, TimeSpan least, [CallerMemberName] string option = "")
        => Duration(value, least, TimeSpan.MaxValue, option);

    /// <summary>Validates a duration above zero, up to <see cref="Longest"/>.</summary>
    /// <inheritdoc cref="Duration(TimeSpan, TimeSpan, TimeSpan, string)"/>
    public static TimeSpan Positive(TimeSpan value, [CallerMemberName] string option = "")
        => Duration(value, TimeSpan.FromTicks(1), Longest, option);

    /// <summary>Validates a duration from zero up to <see cref="Longest"/>.</summary>
    /// <inheritdoc cref="Duration(TimeSpan, TimeSpan, TimeSpan, string)"/>
    public static TimeSpan NotNegative(TimeSpan value, [CallerMemberName] string option = "")
        => Duration(value, TimeSpan.Zero, Longest, option);

    /// <summary>Validates a duration between bounds, both included.</summary>
    /// <param name="value">The duration.</param>
    /// <param name="least">The shortest one that is accepted.</param>
    /// <param name="most">The longest one that is accepted.</param>
    /// <param name="option">The option's name, for the exception.</param>
    /// <returns><paramref name="value"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">It is outside; <see cref="Timeout.InfiniteTimeSpan"/> always is.</exception>
    public static TimeSpan Duration(TimeSpan value, TimeSpan least, TimeSpan most, [CallerMemberName] string option = "")
        => value >= least && value <= most ? value
            : throw new ArgumentOutOfRangeException(
                option, value, $"{option} must be a time from {least} to {most}; Timeout.InfiniteTimeSpan is not accepted.");

    /// <summary>Validates a number between bounds, both included.</summary>
    /// <param name="value">The number.</param>
    /// <param name="least">The smallest one that is accepted.</param>
    /// <param name="most">The largest one that is accepted.</param>
    /// <param name="option">The option's name, for the exception.</param>
    /// <returns><paramref name="value"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">It is outside.</exception>
    public static T Number<T>(T value, T least, T most, [CallerMemberName] string option = "")
        where T : INumber<T>
        => value >= least && value <= most ? value
            : throw new ArgumentOutOfRangeException(option, value, $"{option} must be a number from {least} to {most}.");
}
