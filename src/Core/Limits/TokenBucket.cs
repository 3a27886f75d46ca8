namespace Weir.Limits;

/// <summary>
/// A rate with a burst: tokens come in at the rate up to the burst, and what is done takes some out. A mutable struct that
/// its owner guards.
/// </summary>
internal struct TokenBucket
{
    private double _tokens;
    private long _filledAt;

    /// <summary>A full bucket.</summary>
    public TokenBucket(double burst, long now)
    {
        _tokens = burst;
        _filledAt = now;
    }

    /// <summary>Takes tokens out; false, and none are taken, when there are too few.</summary>
    /// <param name="count">How many.</param>
    /// <param name="perTick">How many come in per unit of <paramref name="now"/>.</param>
    /// <param name="burst">How many there are at most.</param>
    /// <param name="now">The time.</param>
    public bool TryTake(double count, double perTick, double burst, long now)
    {
        long passed = Math.Max(0, now - _filledAt); // callers may have read the clock in another order than they come
        _tokens = Math.Min(burst, _tokens + (passed * perTick));
        _filledAt += passed;
        if (_tokens < count)
        {
            return false;
        }

        _tokens -= count;
        return true;
    }
}
