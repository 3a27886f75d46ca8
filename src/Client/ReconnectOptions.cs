namespace Weir.Client;

/// <summary>
/// When a client comes back after a connection was lost or could not be made: after
/// <c>min(BaseDelay * 2^n, MaxDelay) + rand(0, Jitter)</c>, where n counts the attempts since a connection last proved stable.
/// </summary>
/// <remarks>
/// The random part keeps clients that were cut in the same moment from returning in the same moment. It is added to the cap too,
/// so that a long outage does not bring them into step. Durations may be of any length; <see cref="Timeout.InfiniteTimeSpan"/> is
/// never. Values are read when the client is made.
/// </remarks>
public sealed class ReconnectOptions
{
    /// <summary>The first delay, without its random part. Default 1 s; 0 leaves only the random part; infinite: never tries again.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, and not infinite.</exception>
    public TimeSpan BaseDelay { get; set => field = Check.Wait(value); } = TimeSpan.FromSeconds(1);

    /// <summary>The longest delay, without its random part. Default 30 s; infinite: delays double without an end.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, and not infinite.</exception>
    public TimeSpan MaxDelay { get; set => field = Check.Wait(value); } = TimeSpan.FromSeconds(30);

    /// <summary>The most that is added at random to each delay, evenly spread from 0. Default 1 s; 0 adds nothing; infinite: never tries again.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, and not infinite.</exception>
    public TimeSpan Jitter { get; set => field = Check.Wait(value); } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long a connection must have been open for the count to begin anew at its end. Default 10 s. With 0 a server that
    /// accepts everybody and fails at once is asked again after the first delay, for ever. Infinite: the count never begins anew.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, and not infinite.</exception>
    public TimeSpan StableAfter { get; set => field = Check.Wait(value); } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The longest that a server may ask for with <c>Retry-After</c> (RFC 9110, section 10.2.3); more counts as this much.
    /// Default 5 minutes; 0 disregards the header; infinite: the client waits for as long as it is asked to.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, and not infinite.</exception>
    public TimeSpan MaxRetryAfter { get; set => field = Check.Wait(value); } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Decides otherwise than the rules: called with how a connection ended and whether the client would come back, returns whether
    /// it does. Default null: the rules hold. Called by the client's own task; an exception ends the client.
    /// </summary>
    public Func<ConnectionEnd, bool, bool>? ShouldReturn { get; set; }
}
