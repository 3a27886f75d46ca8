namespace Weir.Client.Reconnecting;

/// <summary>The delays of a <see cref="Backoff"/>, as copied from the options.</summary>
internal sealed record BackoffSettings(
    TimeSpan BaseDelay, TimeSpan MaxDelay, TimeSpan Jitter, TimeSpan MaxRetryAfter, Func<double> NextRandom);
