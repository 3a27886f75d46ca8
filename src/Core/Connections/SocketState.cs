using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Weir.Http;

namespace Weir.Connections;

/// <summary>
/// What the system knows of the socket under a connection, below TLS, on this project's transport and on Kestrel's own. It is asked
/// only when a timer is due: each answer costs a system call.
/// </summary>
internal static class SocketState
{
    /// <summary>The part of Linux's <c>struct tcp_info</c> that is read here, in bytes.</summary>
    public const int TcpInfoBytes = 148;

    /// <summary>IPPROTO_TCP.</summary>
    public const int ProtocolTcp = 6;

    /// <summary>TCP_INFO of tcp(7).</summary>
    public const int TcpInfo = 11;

    // Fields of tcp_info (linux/tcp.h), which only ever grows at its end.
    private const int AcknowledgedOffset = 120; // tcpi_bytes_acked, since Linux 4.1
    private const int NotSentOffset = 144; // tcpi_notsent_bytes, since Linux 4.6

    /// <summary>Whether there is a socket to ask, which other connections may share (a stream of HTTP/2).</summary>
    public static bool IsKnownOf(ConnectionContext transport) => SocketOf(transport) is not null;

    /// <summary>Whether bytes of the peer have arrived that the process has not received yet.</summary>
    public static bool HasUnreadInput(ConnectionContext transport)
    {
        if (transport is ILoopThreadFeature loop)
        {
            return loop.HasUnreadInput;
        }

        try
        {
            return transport is not UpgradedConnection { IsShared: true } && SocketOf(transport) is { } socket && socket.Available > 0;
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            return false; // it has ended, which the reader is about to see
        }
    }

    /// <summary>
    /// How many bytes the peer's system has acknowledged since the connection began, a number that only grows, and whether there are
    /// bytes in the socket that it has no room for yet. Zero and <c>false</c> where the system does not say: no TCP, no Linux, a shared connection.
    /// </summary>
    public static (long Taken, bool Waits) Output(ConnectionContext transport)
    {
        Span<byte> info = stackalloc byte[TcpInfoBytes];
        return transport is ITcpInfoSource source
            ? source.TryReadTcpInfo(info) ? Read(info) : default
            : OperatingSystem.IsLinux() && transport is not UpgradedConnection { IsShared: true } && SocketOf(transport) is { } socket
                && TryReadTcpInfo(socket, info) ? Read(info) : default;
    }

    private static (long Taken, bool Waits) Read(ReadOnlySpan<byte> info)
    {
        // Segments on their way are no sign that the peer is behind: on a busy connection there are always some.
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
