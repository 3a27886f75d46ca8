namespace Weir.Client;

/// <summary>Settings of a <see cref="RelayClient"/>. Values are read when the client is made.</summary>
public sealed class RelayClientOptions : ClientOptions
{
    /// <summary>
    /// How long nothing may come before the client sends a Ping. Default 30 s, the server's own interval; infinite: no Pings, and a
    /// dead link is found only by sending. Keep it below the idle time-out of every proxy in between. Ping and judgement have a
    /// resolution of a second.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public TimeSpan PingInterval { get; set => field = Check.Limit(value); } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long nothing may come after a Ping before the link counts as dead. Default 10 s; infinite: Pings are sent, and the link is
    /// never given up for silence.
    /// </summary>
    /// <remarks>
    /// Whatever comes is life, not only the Pong, also while it waits unread in the socket. Time in which this process did not run (it
    /// was stopped, the machine slept) does not count.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public TimeSpan PingTimeout { get; set => field = Check.Limit(value); } = TimeSpan.FromSeconds(10);

    /// <summary>The most messages and events that wait for <see cref="RelayClient.ReadAllAsync"/>. Default 1,000.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public int InboxCapacity { get; set => field = Check.Positive(value); } = 1000;

    /// <summary>What happens when that many wait. Default <see cref="WhenInboxFull.Wait"/>.</summary>
    public WhenInboxFull WhenInboxFull { get; set; }
}
