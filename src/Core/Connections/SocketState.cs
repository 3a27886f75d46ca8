using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Weir.Http;
using Weir.Transports;

namespace Weir.Connections;

/// <summary>
/// The system's state of the socket under a connection, below TLS, on this project's transport and on Kestrel's own. Queried only
/// when a timer is due: each query costs a system call.
/// </summary>
internal static class SocketState
{
    /// <summary>The size of the part of Linux's <c>struct tcp_info</c> read here, in bytes.</summary>
    public const int TcpInfoBytes = 148;

    /// <summary>IPPROTO_TCP.</summary>
    private const int ProtocolTcp = 6;

    /// <summary>TCP_INFO of tcp(7).</summary>
    private const int TcpInfo = 11;

    // Fields of tcp_info (linux/tcp.h), which only grows at its end.
    private const int AcknowledgedOffset = 120; // tcpi_bytes_acked, since Linux 4.1
    private const int NotSentOffset = 144; // tcpi_notsent_bytes, since Linux 4.6

    /// <summary>Whether there is a socket to query, which other connections may share (a stream of HTTP/2).</summary>
    public static bool IsKnownOf(ConnectionContext transport) => SocketOf(transport) is not null;

    /// <summary>Whether bytes of the peer have arrived that the process has not received yet.</summary>
    public static bool HasUnreadInput(ConnectionContext transport)
    {
        if (transport.Features.Get<ILoopThreadFeature>() is { } loop)
        {
            return loop.HasUnreadInput;
        }

        try
        {
            return transport is not UpgradedConnection { IsShared: true } && SocketOf(transport) is { } socket && socket.Available > 0;
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            return false; // ended; the reader is about to detect it
        }
    }

    /// <summary>
    /// Returns how many bytes the peer's system has acknowledged since the connection began, which only grows, and whether the
    /// socket holds bytes for which the peer has no room yet. Zero and <c>false</c> if the system does not report it: no TCP, no
    /// Linux, a shared connection.
    /// </summary>
    public static (long Taken, bool Waits) Output(ConnectionContext transport)
    {
        Span<byte> info = stackalloc byte[TcpInfoBytes];
        return transport.Features.Get<ITcpInfoFeature>() is { } source
            ? source.TryReadTcpInfo(info) ? Read(info) : default
            : OperatingSystem.IsLinux() && transport is not UpgradedConnection { IsShared: true } && SocketOf(transport) is { } socket
                && TryReadTcpInfo(socket, info) ? Read(info) : default;
    }

    private static (long Taken, bool Waits) Read(ReadOnlySpan<byte> info)
    {
        // Segments in flight do not show that the peer is behind: a busy connection always has some.
        bool waits = BitConverter.ToUInt32(info[NotSentOffset..]) > 0;
        return (BitConverter.ToInt64(info[AcknowledgedOffset..]), waits);
    }

    private static bool TryReadTcpInfo(Socket socket, Span<byte> info)
    {
        try
        {
            return socket.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6
                && socket.GetRawSocketOption(ProtocolTcp, TcpInfo, info) >= TcpInfoBytes;
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    private static Socket? SocketOf(ConnectionContext transport) => transport.Features.Get<IConnectionSocketFeature>()?.Socket;
}
