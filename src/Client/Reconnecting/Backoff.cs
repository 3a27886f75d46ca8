using Weir.Client.Timing;

namespace Weir.Client.Reconnecting;

/// <summary>Computes the delay before the next attempt. Not thread-safe.</summary>
internal sealed class Backoff
{
    private readonly TimeSpan _base;
    private readonly TimeSpan _max;
    private readonly TimeSpan _jitter;
    private readonly TimeSpan _maxRetryAfter;
    private readonly Func<double> _nextRandom;
    private int _failures;

    public Backoff(BackoffSettings settings)
    {
        _base = settings.BaseDelay;
        _max = settings.MaxDelay;
        _jitter = settings.Jitter;
        _maxRetryAfter = settings.MaxRetryAfter;
        _nextRandom = settings.NextRandom;
    }

    /// <summary>Returns the next delay and counts one more failure.</summary>
    /// <param name="retryAfter">
    /// The server's <c>Retry-After</c>, if any. The random part is added, so that thousands of clients with the same value do not
    /// reconnect together.
    /// </param>
    /// <returns>The delay; <see cref="Timeout.InfiniteTimeSpan"/> for never.</returns>
    public TimeSpan Next(TimeSpan? retryAfter)
    {
        TimeSpan delay = Exponential(_failures);
        _failures = Math.Min(_failures + 1, 62);
        if (Waits.IsNever(delay) || Waits.IsNever(_jitter))
        {
            return Timeout.InfiniteTimeSpan;
        }

        if (retryAfter is { } requested)
        {
            TimeSpan least = Waits.IsNever(_maxRetryAfter) || requested < _maxRetryAfter ? requested : _maxRetryAfter;
            delay = delay > least ? delay : least;
        }

        return Waits.Sum(delay, TimeSpan.FromTicks((long)(_nextRandom() * _jitter.Ticks)));
    }

    /// <summary>Resets the count: a connection has proved stable.</summary>
    public void Reset() => _failures = 0;

    // In floating point, where doubling does not overflow.
    private TimeSpan Exponential(int failures)
    {
        if (Waits.IsNever(_base))
        {
            return _base;
        }

        double ticks = _base.Ticks * Math.Pow(2, failures);
        double cap = Waits.IsNever(_max) ? TimeSpan.MaxValue.Ticks : _max.Ticks;
        return ticks < cap ? TimeSpan.FromTicks((long)ticks) : _max;
    }
}
