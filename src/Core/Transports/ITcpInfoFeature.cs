using System.Diagnostics.CodeAnalysis;

namespace Weir.Transports;

/// <summary>
/// A feature of connections on Linux whose transport owns the socket's descriptor, so that there is no <c>Socket</c> to query. With it
/// a client that takes data slowly is distinguished from one that takes none.
/// </summary>
[Experimental("WEIR001")]
public interface ITcpInfoFeature
{
    /// <summary>
    /// Reads the beginning of the socket's <c>tcp_info</c> (TCP_INFO of tcp(7)), which is queried only when a timer is due.
    /// Thread-safe.
    /// </summary>
    /// <param name="info">Filled: the structure's first bytes, 148 today.</param>
    /// <returns><c>false</c> if the connection has ended, the socket is not TCP, or the system provides fewer bytes.</returns>
    bool TryReadTcpInfo(Span<byte> info);
}
