using System.Net;
using Weir.Validation;

namespace Weir;

/// <summary>
/// The settings of the whole node, over all its endpoints; given to
/// <see cref="WeirServiceCollectionExtensions.AddWeir"/>. Read once, at start. All limits are off by default.
/// </summary>
public sealed class WeirNodeOptions
{
    private int _maxConnections;
    private int _maxConnectionsPerAddress;
    private int _handshakesPerSecond;
    private int _handshakeBurst;
    private long _maxPendingBytes;
    private TimeSpan _drainWindow = TimeSpan.FromSeconds(30);

    /// <summary>The most connections open at a time; beyond it upgrades get 503 with Retry-After. 0, the default: no limit.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int MaxConnections
    {
        get => _maxConnections;
        set => _maxConnections = OptionRange.Number(value, 0, int.MaxValue);
    }

    /// <summary>
    /// The most connections open at a time from one remote address, for IPv6 from one /64 network; beyond it upgrades get 429
    /// with Retry-After. 0, the default: no limit. Behind a proxy, see <see cref="TrustedProxies"/>, or all clients share the
    /// proxy's address.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int MaxConnectionsPerAddress
    {
        get => _maxConnectionsPerAddress;
        set => _maxConnectionsPerAddress = OptionRange.Number(value, 0, int.MaxValue);
    }

    /// <summary>
    /// Handshakes accepted per second; beyond it, and the <see cref="HandshakeBurst"/>, upgrades get 503 with Retry-After. 0, the
    /// default: no limit.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int HandshakesPerSecond
    {
        get => _handshakesPerSecond;
        set => _handshakesPerSecond = OptionRange.Number(value, 0, int.MaxValue);
    }

    /// <summary>Handshakes accepted at once after an idle time; 0, the default: as many as in one second.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int HandshakeBurst
    {
        get => _handshakeBurst;
        set => _handshakeBurst = OptionRange.Number(value, 0, int.MaxValue);
    }

    /// <summary>
    /// The most bytes pending for slow clients in the whole node; beyond it the clients with the most pending are closed as too
    /// slow until a tenth of it is free. 0, the default: only each connection's own limit.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public long MaxPendingBytes
    {
        get => _maxPendingBytes;
        set => _maxPendingBytes = OptionRange.Number(value, 0, long.MaxValue);
    }

    /// <summary>
    /// Networks of proxies whose X-Forwarded-For is trusted, as <c>10.0.0.0/8</c>; empty, the default: none. The client's address
    /// is then the last one in the header that is not itself such a proxy's.
    /// </summary>
    /// <seealso cref="TrustUnixSockets"/>
    public IReadOnlyList<IPNetwork> TrustedProxies { get; set; } = [];

    /// <summary>
    /// Whether the X-Forwarded-For of peers on a Unix socket is trusted, which have no address to match
    /// <see cref="TrustedProxies"/>; default false. Set it where the socket's permissions let only a proxy connect. While it is false,
    /// and for a request without the header, a connection over a Unix socket has no address and
    /// <see cref="MaxConnectionsPerAddress"/> does not apply to it.
    /// </summary>
    public bool TrustUnixSockets { get; set; }

    /// <summary>
    /// The time over which open connections are closed when the application stops; default 30 seconds. Closed clients reconnect
    /// immediately, so closing all of them together would move the whole load to the other nodes in one step. At least a hundred
    /// per second are closed, so a node with few connections needs less. Zero: all at once.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than a day.</exception>
    public TimeSpan DrainWindow
    {
        get => _drainWindow;
        set => _drainWindow = OptionRange.Duration(value, TimeSpan.Zero, TimeSpan.FromDays(1));
    }
}
