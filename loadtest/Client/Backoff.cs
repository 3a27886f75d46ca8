namespace Weir.LoadTest.Client;

/// <summary>
/// The delay before a client reconnects: longer after each failure, and with jitter, so that clients that were lost together
/// do not reconnect together.
/// </summary>
/// <param name="Least">In any case.</param>
/// <param name="MostRandom">
/// The most of the random part, which is up to <paramref name="Least"/> at first and doubles with each failure.
/// </param>
internal readonly record struct Backoff(TimeSpan Least, TimeSpan MostRandom)
{
    public TimeSpan After(int failures)
        => Least
            + (Random.Shared.NextDouble() * TimeSpan.FromTicks(Math.Min(MostRandom.Ticks, (long)(Least.Ticks * Math.Pow(2, failures)))));
}
