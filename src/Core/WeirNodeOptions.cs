using System.Net;

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

    /// <summary>The most connections open at once; beyond it upgrades get 503 with Retry-After. 0, the default: any number.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int MaxConnections
    {
        get => _maxConnections;
        set => _maxConnections = OptionRange.Number(value, 0, int.MaxValue);
    }

    /// <summary>
    /// The most connections open at once from one remote address, for IPv6 from one /64 network; beyond it upgrades get 429
    /// with Retry-After. 0, the default: any number. Behind a proxy, see <see cref="TrustedProxies"/> or the proxy's address is
    /// everybody's.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int MaxConnectionsPerAddress
    {
        get => _maxConnectionsPerAddress;
        set => _maxConnectionsPerAddress = OptionRange.Number(value, 0, int.MaxValue);
    }

    /// <summary>
    /// Handshakes accepted per second; beyond it, and the <see cref="HandshakeBurst"/>, upgrades get 503 with Retry-After.
    /// 0, the default: any number.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int HandshakesPerSecond
    {
        get => _handshakesPerSecond;
        set => _handshakesPerSecond = OptionRange.Number(value, 0, int.MaxValue);
    }

    /// <summary>Handshakes accepted at once after a quiet time; 0, the default: as many as in one second.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int HandshakeBurst
    {
        get => _handshakeBurst;
        set => _handshakeBurst = OptionRange.Number(value, 0, int.MaxValue);
    }

    /// <summary>
    /// The most bytes that may wait for slow clients in the whole node; beyond it those with most waiting are closed as
    /// too slow until a tenth of it is free. 0, the default: no limit but each connection's own.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public long MaxPendingBytes
    {
        get => _maxPendingBytes;
        set => _maxPendingBytes = OptionRange.Number(value, 0, long.MaxValue);
    }

    /// <summary>
    /// Networks of proxies whose X-Forwarded-For is believed, as <c>10.0.0.0/8</c>; empty, the default: nobody's. The client's
    /// address is then the last one in the header that is not itself such a proxy's.
    /// </summary>
    public IReadOnlyList<IPNetwork> TrustedProxies { get; set; } = [];

    /// <summary>
    /// Over what time open connections are closed when the application stops; default 30 seconds. Clients come back at
    /// once when they are closed, so closing them all at once would move the whole load to the other nodes in one
    /// stroke. A hundred a second are closed at least, so a node with few needs less. Zero: all at once.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than a day.</exception>
    public TimeSpan DrainWindow
    {
        get => _drainWindow;
        set => _drainWindow = OptionRange.Duration(value, TimeSpan.Zero, TimeSpan.FromDays(1));
    }
}
