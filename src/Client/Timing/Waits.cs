namespace Weir.Client.Timing;

/// <summary>Durations without an upper bound. <see cref="Timeout.InfiniteTimeSpan"/> means never, as does a sum that overflows.</summary>
internal static class Waits
{
    // A .NET timer takes at most 2^32 - 2 ms, 49.7 days. Longer waits are split.
    private static readonly TimeSpan _piece = TimeSpan.FromDays(20);

    public static bool IsNever(TimeSpan duration) => duration == Timeout.InfiniteTimeSpan;

    /// <summary>Returns the sum; never if one of the two is, or if it overflows.</summary>
    public static TimeSpan Sum(TimeSpan first, TimeSpan second)
        => IsNever(first) || IsNever(second) || first > TimeSpan.MaxValue - second ? Timeout.InfiniteTimeSpan : first + second;

    /// <summary>Returns the part of a wait that one timer takes.</summary>
    public static TimeSpan Piece(TimeSpan wait) => wait < _piece ? wait : _piece;

    /// <summary>Waits for the delay; returns early if it is cancelled.</summary>
    public static async Task DelayAsync(this TimeProvider time, TimeSpan delay, CancellationToken cancel)
    {
        long start = time.GetTimestamp();
        TimeSpan left = delay;
        while (!cancel.IsCancellationRequested && (IsNever(delay) || left > TimeSpan.Zero))
        {
            await Task.Delay(IsNever(delay) ? delay : Piece(left), time, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            // A rest below a timer's resolution counts as elapsed.
            TimeSpan rest = delay - time.GetElapsedTime(start);
            left = rest < TimeSpan.FromMilliseconds(1) ? TimeSpan.Zero : rest;
        }
    }
}
