using Weir.Client.Timing;

namespace Weir.Client.Reconnecting;

/// <summary>How long to wait before the next attempt. One task at a time.</summary>
internal sealed class Backoff
{
    private readonly TimeSpan _base;
    private readonly TimeSpan _max;
    private readonly TimeSpan _jitter;
    private readonly TimeSpan _maxRetryAfter;
    private readonly Func<double> _nextRandom;
    private int _failures;

    public Backoff(ReconnectOptions options, Func<double> nextRandom)
    {
        _base = options.BaseDelay;
        _max = options.MaxDelay;
        _jitter = options.Jitter;
        _maxRetryAfter = options.MaxRetryAfter;
        _nextRandom = nextRandom;
    }

    /// <summary>The next delay, and one more failure.</summary>
    /// <param name="retryAfter">
    /// What the server asks for, if it does. The random part comes on top: a server that tells thousands the same time must not have
    /// them all back in one moment.
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

        if (retryAfter is { } asked)
        {
            TimeSpan least = Waits.IsNever(_maxRetryAfter) || asked < _maxRetryAfter ? asked : _maxRetryAfter;
            delay = delay > least ? delay : least;
        }

        return Waits.Sum(delay, TimeSpan.FromTicks((long)(_nextRandom() * _jitter.Ticks)));
    }

    /// <summary>A connection has proved stable.</summary>
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
