namespace Weir.Limits;

/// <summary>
/// A rate with a burst: tokens are added at the rate up to the burst, and each operation takes some. A mutable struct that its
/// owner guards.
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

    /// <summary>Takes tokens; returns <c>false</c>, and takes none, if there are too few.</summary>
    /// <param name="count">How many.</param>
    /// <param name="perTick">How many are added per unit of <paramref name="now"/>.</param>
    /// <param name="burst">The most there can be.</param>
    /// <param name="now">The time.</param>
    public bool TryTake(double count, double perTick, double burst, long now)
    {
        long passed = Math.Max(0, now - _filledAt); // callers may arrive in another order than they read the clock
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
