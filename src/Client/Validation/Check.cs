using System.Runtime.CompilerServices;

namespace Weir.Client.Validation;

/// <summary>Validates options.</summary>
internal static class Check
{
    /// <summary>A delay: 0 or more, or <see cref="Timeout.InfiniteTimeSpan"/>.</summary>
    public static TimeSpan Wait(TimeSpan value, [CallerMemberName] string name = "")
    {
        if (value != Timeout.InfiniteTimeSpan)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero, name);
        }

        return value;
    }

    /// <summary>A limit: more than 0, or <see cref="Timeout.InfiniteTimeSpan"/>.</summary>
    public static TimeSpan Limit(TimeSpan value, [CallerMemberName] string name = "")
    {
        if (value != Timeout.InfiniteTimeSpan)
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero, name);
        }

        return value;
    }

    public static int Positive(int value, [CallerMemberName] string name = "")
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value, name);
        return value;
    }
}
