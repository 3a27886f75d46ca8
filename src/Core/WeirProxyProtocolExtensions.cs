using System.Net;
using Microsoft.AspNetCore.Connections;
using Weir.Connections;
using Weir.Proxy;

namespace Weir;

/// <summary>Lets a Kestrel listener stand behind a TCP proxy and still know its clients.</summary>
public static class WeirProxyProtocolExtensions
{
    // The protocol's text asks for 3 s or more, so that one lost packet is sent again in time.
    private static readonly TimeSpan _defaultTimeout = TimeSpan.FromSeconds(5);

    // The longest that a CancellationTokenSource takes.
    private static readonly TimeSpan _maxTimeout = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    /// <summary>
    /// Takes the PROXY protocol's header (HAProxy's proxy-protocol.txt, versions 1 and 2) off connections that come from a
    /// proxy. <see cref="BaseConnectionContext.RemoteEndPoint"/> and <see cref="BaseConnectionContext.LocalEndPoint"/> become what it
    /// says, for everything behind: Weir, TLS, and Kestrel's HTTP pipeline. Call it before <c>UseHttps</c> and <c>UseWeir</c>.
    /// </summary>
    /// <remarks>
    /// <para>
    /// A connection from a trusted network must begin with a header, so that nobody there may leave out who it speaks for: it
    /// is aborted when the header is missing, malformed or late. A connection from elsewhere goes on as it is with its bytes
    /// untouched, and a header sent from there is just a bad request. A Unix socket's peer has no address: it counts as a proxy where
    /// <paramref name="trustUnixSockets"/> is true, else as elsewhere.
    /// </para>
    /// <para>
    /// The real addresses stay when the header has none to give: <c>UNKNOWN</c> in version 1; in version 2 the command
    /// LOCAL, which is the proxy's own health check, and the families UNSPEC and UNIX. Of a version 2 header at most
    /// 4,096 bytes may follow its first 16. A checksum (CRC32c) beside addresses must be right; other extra fields are skipped.
    /// </para>
    /// <para>
    /// <see cref="WeirNodeOptions.TrustedProxies"/> is about proxies that speak HTTP; whether to believe an X-Forwarded-For
    /// is judged by the address this header gave. A connection that closes before its first byte, as simple health checks
    /// do, is let go in silence; every other failure counts as a refused handshake and is logged at Debug.
    /// </para>
    /// </remarks>
    /// <param name="builder">The listener, a <c>ListenOptions</c>; any connection builder will do.</param>
    /// <param name="trustedNetworks">
    /// Where the proxies are, and nobody else, as <c>10.1.0.0/24</c>; copied. May be empty where Unix sockets are trusted.
    /// </param>
    /// <param name="timeout">How long the whole header may take from the connection's start; null for 5 s.</param>
    /// <param name="trustUnixSockets">Whether connections over Unix sockets come from a proxy; default false.</param>
    /// <exception cref="ArgumentException">No networks, and Unix sockets are not trusted.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The time is not positive, or longer than 49 days.</exception>
    public static TBuilder UseProxyProtocol<TBuilder>(
        this TBuilder builder, IReadOnlyList<IPNetwork> trustedNetworks, TimeSpan? timeout = null, bool trustUnixSockets = false)
        where TBuilder : IConnectionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(trustedNetworks);
        if (trustedNetworks.Count == 0 && !trustUnixSockets)
        {
            throw new ArgumentException("There must be a network to trust.", nameof(trustedNetworks));
        }

        TimeSpan limit = timeout ?? _defaultTimeout;
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(limit, TimeSpan.Zero, nameof(timeout));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, _maxTimeout, nameof(timeout));
        IPNetwork[] networks = [.. trustedNetworks];
        WeirEngine engine = WeirEngine.Of(builder.ApplicationServices);
        builder.Use(next => new ProxyMiddleware(next, engine, networks, trustUnixSockets, limit).OnConnectionAsync);
        return builder;
    }
}
