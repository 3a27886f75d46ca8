using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Weir.Diagnostics;

namespace Weir.Listening;

/// <summary>
/// Binding and unbinding of a listening socket, the same for every transport: it replaces a dead Unix socket, and leaves no
/// connection that the kernel has completed in its backlog. Thread-safe.
/// </summary>
[Experimental("WEIR001")]
public static class ListenSocket
{
    private const int SolSocket = 1; // SOL_SOCKET of Linux
    private const int AttachFilter = 26; // SO_ATTACH_FILTER of socket(7)

    // A peer whose SYN was answered considers itself connected a round trip before the kernel does.
    private static readonly TimeSpan _handshakeTime = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan _handshakeTimeOfLoopback = TimeSpan.FromMilliseconds(20);

    /// <summary>Binds, also if a terminated process has left a Unix socket behind.</summary>
    /// <param name="endPoint">The address.</param>
    /// <param name="bind">Makes a socket and binds it, or throws the <see cref="SocketException"/> of <c>bind</c>.</param>
    /// <exception cref="AddressInUseException">
    /// The address is in use; the message of a Unix socket names the path and the remedy.
    /// </exception>
    /// <exception cref="SocketException">The address cannot be bound for another reason.</exception>
    public static Socket Bind(EndPoint endPoint, Func<EndPoint, Socket> bind)
    {
        try
        {
            return bind(endPoint);
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            if (UnixSocketFile.PathOf(endPoint) is not { } path)
            {
                throw new AddressInUseException(error.Message, error);
            }

            UnixSocketFile.RemoveDead(path, error);
        }

        try
        {
            return bind(endPoint);
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw new AddressInUseException(error.Message, error); // another process bound it first
        }
    }

    /// <summary>
    /// Holds off new peers of listening sockets, and waits until the connections in progress are complete: 250 ms, 20 ms on loopback.
    /// The caller then accepts the backlog to its end and closes the sockets, so that no client that connected is reset. Where the
    /// system cannot hold them off, it is logged, and the call returns immediately.
    /// </summary>
    /// <param name="sockets">Listening sockets of this process alone, on one address.</param>
    /// <param name="endPoint">That address.</param>
    /// <param name="logger">For the log message.</param>
    /// <param name="abortToken">Ends the wait; it causes no exception.</param>
    /// <returns>Whether new peers are held off.</returns>
    public static async ValueTask<bool> HoldOffAsync(
        IReadOnlyCollection<Socket> sockets, EndPoint endPoint, ILogger logger, CancellationToken abortToken)
    {
        ArgumentNullException.ThrowIfNull(sockets);
        ArgumentNullException.ThrowIfNull(endPoint);
        if (!sockets.All(HoldOffNewPeers))
        {
            WeirLog.PeersNotHeldOff(logger, endPoint);
            return false;
        }

        await Task.Delay(HandshakeTime(endPoint), abortToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return true;
    }

    /// <summary>
    /// No new peer can connect from here on, and those whose connection is complete can still be accepted. On TCP, which Linux alone can
    /// do: a new SYN is dropped, so that the peer tries again a second later. A Unix socket loses its file.
    /// </summary>
    /// <remarks>Not for a socket shared with another process (an inherited one): it would stop accepting there too.</remarks>
    /// <param name="socket">A listening socket of this process alone.</param>
    /// <returns><c>false</c> if the system cannot do it.</returns>
    internal static bool HoldOffNewPeers(Socket socket)
    {
        try
        {
            if (socket.AddressFamily == AddressFamily.Unix)
            {
                if (UnixSocketFile.PathOf(socket.LocalEndPoint) is not { } path)
                {
                    return false;
                }

                File.Delete(path);
                return true;
            }

            return OperatingSystem.IsLinux() && TryDropSyns(socket);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException or IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>
    /// How long after <see cref="HoldOffNewPeers"/> a connection may still be completed. Real time regardless of the application's
    /// <see cref="TimeProvider"/>: it is a property of the network.
    /// </summary>
    internal static TimeSpan HandshakeTime(EndPoint endPoint)
        => endPoint is not IPEndPoint ip ? TimeSpan.Zero
            : IPAddress.IsLoopback(ip.Address) ? _handshakeTimeOfLoopback
            : _handshakeTime;

    // A filter of a listening TCP socket sees all segments that are for no connection yet, from the TCP header on: SYNs, and the ACKs
    // that complete a handshake.
    private static unsafe bool TryDropSyns(Socket socket)
    {
        // struct sock_filter of linux/filter.h: code, jump if true, jump if false, operand.
        ReadOnlySpan<Instruction> program =
        [
            new(0x30, 0, 0, 13), // load the byte with the flags (BPF_LD | BPF_B | BPF_ABS)
            new(0x45, 0, 1, 0x02), // SYN? (BPF_JMP | BPF_JSET | BPF_K)
            new(0x06, 0, 0, 0), // drop (BPF_RET | BPF_K)
            new(0x06, 0, 0, uint.MaxValue), // take all of it
        ];
        fixed (Instruction* first = program)
        {
            Program filter = new((ushort)program.Length, (nint)first);
            socket.SetRawSocketOption(SolSocket, AttachFilter, MemoryMarshal.AsBytes(new ReadOnlySpan<Program>(in filter)));
            return true;
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Instruction(ushort Code, byte IfTrue, byte IfFalse, uint Operand);

    /// <summary><c>struct sock_fprog</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Program(ushort Length, nint First);
}
