using Weir.Client.Events;
using Weir.Client.Validation;

namespace Weir.Client;

/// <summary>
/// When a client reconnects after a connection was lost or could not be established: after
/// <c>min(BaseDelay * 2^n, MaxDelay) + rand(0, Jitter)</c>, where n counts the attempts since a connection last proved stable.
/// </summary>
/// <remarks>
/// The random part keeps clients that lost their connections together from reconnecting together. It is added to the cap too, so
/// that a long outage does not synchronize them. Durations may be of any length; <see cref="Timeout.InfiniteTimeSpan"/> means
/// never. Values are read when the client is created.
/// </remarks>
public sealed class ReconnectOptions
{
    /// <summary>
    /// The first delay, without its random part. Default 1 s; 0 leaves only the random part; infinite: never tries again.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, and not infinite.</exception>
    public TimeSpan BaseDelay { get; set => field = Check.Wait(value); } = TimeSpan.FromSeconds(1);

    /// <summary>The longest delay, without its random part. Default 30 s; infinite: delays double without limit.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, and not infinite.</exception>
    public TimeSpan MaxDelay { get; set => field = Check.Wait(value); } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The maximum random addition to each delay, uniform from 0. Default 1 s; 0: no addition; infinite: never tries again.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, and not infinite.</exception>
    public TimeSpan Jitter { get; set => field = Check.Wait(value); } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long a connection must have been open to reset the count at its end. Default 10 s. With 0 a server that accepts all
    /// clients and fails immediately is retried after the first delay indefinitely. Infinite: the count is never reset.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, and not infinite.</exception>
    public TimeSpan StableAfter { get; set => field = Check.Wait(value); } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The longest accepted <c>Retry-After</c> (RFC 9110, section 10.2.3); longer values are reduced to it. Default 5 minutes; 0
    /// ignores the header; infinite: no limit.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, and not infinite.</exception>
    public TimeSpan MaxRetryAfter { get; set => field = Check.Wait(value); } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Overrides the rules: called with how a connection ended and whether the client would reconnect; returns whether it does.
    /// Default <c>null</c>: the rules apply. Called by the client's own task; an exception ends the client.
    /// </summary>
    public Func<ConnectionEnd, bool, bool>? ShouldReturn { get; set; }
}
