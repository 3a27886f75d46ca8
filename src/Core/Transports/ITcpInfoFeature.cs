
namespace Weir.Transports;

/// <summary>A connection of a transport that owns its socket's descriptor.</summary>
internal interface ITcpInfoSource
{
    /// <summary>
    /// Reads the first <c>SocketState.TcpInfoBytes</c> bytes of the socket's <c>tcp_info</c>. Thread-safe.
    /// </summary>
    /// <returns><c>false</c> if the connection has ended, the socket is not TCP, or the system provides fewer bytes.</returns>
    bool TryReadTcpInfo(Span<byte> info);
}
