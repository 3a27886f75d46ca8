using Weir.Client.Receiving;
using Weir.Client.Validation;

namespace Weir.Client;

/// <summary>Settings of a <see cref="RelayClient"/>. Values are read when the client is created.</summary>
public sealed class RelayClientOptions : ClientOptions
{
    /// <summary>
    /// The idle time after which the client sends a Ping. Default 30 s, the server's own interval; infinite: no Pings, and a dead
    /// connection is detected only by sending. Keep it below the idle timeout of every proxy in between. Ping and timeout have a
    /// resolution of a second.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public TimeSpan PingInterval { get; set => field = Check.Limit(value); } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long the connection may stay idle after a Ping before it counts as dead. Default 10 s; infinite: Pings are sent, and it
    /// never does.
    /// </summary>
    /// <remarks>
    /// Any data received counts, not only the Pong, even unread in the socket. Time during which this process was paused (it was
    /// stopped, the machine was suspended) does not.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public TimeSpan PingTimeout { get; set => field = Check.Limit(value); } = TimeSpan.FromSeconds(10);

    /// <summary>The maximum number of messages and events that wait for <see cref="RelayClient.ReadAllAsync"/>. Default 1,000.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public int InboxCapacity { get; set => field = Check.Positive(value); } = 1000;

    /// <summary>The policy when the inbox is full. Default <see cref="WhenInboxFull.Wait"/>.</summary>
    public WhenInboxFull WhenInboxFull { get; set; }
}
