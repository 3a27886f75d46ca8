using System.Net;
using Microsoft.AspNetCore.Connections;
using Weir.Connections;
using Weir.Proxy;

namespace Weir;

/// <summary>Preserves the clients' addresses on a Kestrel listener behind a TCP proxy.</summary>
public static class WeirProxyProtocolExtensions
{
    // The specification recommends 3 s or more, so that one lost packet is retransmitted in time.
    private static readonly TimeSpan _defaultTimeout = TimeSpan.FromSeconds(5);

    // The longest timeout of a CancellationTokenSource.
    private static readonly TimeSpan _maxTimeout = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    /// <summary>
    /// Reads and strips the PROXY protocol's header (HAProxy's proxy-protocol.txt, versions 1 and 2) of connections that come
    /// from a proxy. <see cref="BaseConnectionContext.RemoteEndPoint"/> and <see cref="BaseConnectionContext.LocalEndPoint"/>
    /// become the addresses in it, for all later middleware: Weir, TLS, and Kestrel's HTTP pipeline. Call it before
    /// <c>UseHttps</c> and <c>UseWeir</c>.
    /// </summary>
    /// <remarks>
    /// <para>
    /// A connection from a trusted network must begin with a header, so that no peer there can hide its client's address: it is
    /// aborted if the header is missing, malformed or late. A connection from elsewhere is passed on unchanged, and a header sent
    /// from there is just a bad request. A Unix socket's peer has no address: it counts as a proxy if
    /// <paramref name="trustUnixSockets"/> is true, else as elsewhere.
    /// </para>
    /// <para>
    /// The real addresses are kept if the header has none: <c>UNKNOWN</c> in version 1; in version 2 the command LOCAL, which is
    /// the proxy's own health check, and the families UNSPEC and UNIX. In a version 2 header at most 4,096 bytes may follow the
    /// first 16. A checksum (CRC32c) beside addresses must be correct; other extra fields are skipped.
    /// </para>
    /// <para>
    /// <see cref="WeirNodeOptions.TrustedProxies"/> concerns HTTP proxies; whether an X-Forwarded-For is trusted is decided by
    /// the address from this header. A connection that closes before its first byte, as simple health checks do, is dropped
    /// without a log message; every other failure counts as a refused handshake and is logged at Debug.
    /// </para>
    /// </remarks>
    /// <param name="builder">The listener, a <c>ListenOptions</c>; any connection builder works.</param>
    /// <param name="trustedNetworks">
    /// The networks of the proxies and of no other peer, as <c>10.1.0.0/24</c>; copied. May be empty where Unix sockets are trusted.
    /// </param>
    /// <param name="timeout">The time limit for the whole header, from the connection's start; <c>null</c> for 5 s.</param>
    /// <param name="trustUnixSockets">Whether connections over Unix sockets come from a proxy; default false.</param>
    /// <exception cref="ArgumentException">No networks, and Unix sockets are not trusted.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is not positive, or longer than 49 days.</exception>
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
