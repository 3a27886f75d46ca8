namespace Weir.Client.Timing;

/// <summary>Durations without an upper bound. <see cref="Timeout.InfiniteTimeSpan"/> is never; so is what a sum cannot hold.</summary>
internal static class Waits
{
    // A timer of .NET takes 2^32 - 2 ms, 49.7 days. Longer waits are made of pieces.
    private static readonly TimeSpan _piece = TimeSpan.FromDays(20);

    public static bool IsNever(TimeSpan duration) => duration == Timeout.InfiniteTimeSpan;

    /// <summary>The sum; never if one of the two is, or if it cannot be held.</summary>
    public static TimeSpan Sum(TimeSpan first, TimeSpan second)
        => IsNever(first) || IsNever(second) || first > TimeSpan.MaxValue - second ? Timeout.InfiniteTimeSpan : first + second;

    /// <summary>The part of a wait that one timer is given.</summary>
    public static TimeSpan Piece(TimeSpan wait) => wait < _piece ? wait : _piece;

    /// <summary>Waits for so long, or until it is cancelled, in which case it returns too.</summary>
    public static async Task DelayAsync(this TimeProvider time, TimeSpan delay, CancellationToken cancel)
    {
        long start = time.GetTimestamp();
        TimeSpan left = delay;
        while (!cancel.IsCancellationRequested && (IsNever(delay) || left > TimeSpan.Zero))
        {
            await Task.Delay(IsNever(delay) ? delay : Piece(left), time, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            // What is less than a timer's resolution has passed.
            TimeSpan rest = delay - time.GetElapsedTime(start);
            left = rest < TimeSpan.FromMilliseconds(1) ? TimeSpan.Zero : rest;
        }
    }
}
