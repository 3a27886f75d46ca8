namespace Weir.Connections;

/// <summary>A connection of a transport that owns its socket's descriptor.</summary>
internal interface ITcpInfoSource
{
    /// <summary>
    /// Reads the first <see cref="SocketState.TcpInfoBytes"/> bytes of the socket's <c>tcp_info</c>. Thread-safe.
    /// </summary>
    /// <returns><c>false</c> if the connection has ended, the socket is none of TCP, or the system knows less of it.</returns>
    bool TryReadTcpInfo(Span<byte> info);
}
