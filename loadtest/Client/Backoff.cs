namespace Weir.LoadTest.Client;

/// <summary>
/// How long a client waits before it comes back: longer after each failure, and by chance, so that those who were lost together
/// do not come back together.
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
