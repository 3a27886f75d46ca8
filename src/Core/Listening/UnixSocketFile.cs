using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Connections;

namespace Weir.Listening;

/// <summary>The file of a Unix socket, which outlives a process that is killed.</summary>
internal static partial class UnixSocketFile
{
    private const int AtCurrentDirectory = -100; // AT_FDCWD
    private const int NoFollow = 0x100; // AT_SYMLINK_NOFOLLOW
    private const uint TypeOnly = 1; // STATX_TYPE
    private const int StatxBytes = 256;
    private const int ModeOffset = 28; // stx_mode
    private const int TypeMask = 0xF000; // S_IFMT
    private const int SocketType = 0xC000; // S_IFSOCK

    /// <summary>The path; <c>null</c> if it is another kind of address, or a name without a file (Linux's abstract names).</summary>
    public static string? PathOf(EndPoint? endPoint)
        => endPoint is UnixDomainSocketEndPoint unix && unix.ToString() is { Length: > 0 } path
            && path[0] is not ('@' or '\0') ? path : null;

    /// <summary>Removes the file of a socket on which no process listens any more.</summary>
    /// <param name="path">Where binding failed since there is a file.</param>
    /// <param name="cause">That failure.</param>
    /// <exception cref="AddressInUseException">
    /// A process listens there, the file is no socket, or it cannot be found out or removed; the message names the path and what to do.
    /// </exception>
    public static void RemoveDead(string path, SocketException cause)
    {
        if (!IsSocket(path))
        {
            throw new AddressInUseException(
                $"'{path}' exists and is no socket. Remove it, or name another path for the Unix socket.", cause);
        }

        if (Connect(path) is { } answer)
        {
            throw new AddressInUseException(answer == SocketError.Success
                ? $"Another process listens on the Unix socket '{path}'. End it, or name another path."
                : $"Whether another process listens on the Unix socket '{path}' cannot be determined ({answer}). "
                    + "If none does, remove the file.",
                cause);
        }

        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new AddressInUseException(
                $"The Unix socket '{path}' was left by a terminated process and cannot be removed: {error.Message} Remove the file.",
                error);
        }
    }

    /// <summary>Returns the result of a connection attempt; <c>null</c> if it is refused because no process listens.</summary>
    private static SocketError? Connect(string path)
    {
        using Socket probe = new(AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Blocking = false; // where the backlog is full it would wait
            probe.Connect(new UnixDomainSocketEndPoint(path));
            return SocketError.Success;
        }
        catch (SocketException error)
        {
            return error.SocketErrorCode switch
            {
                SocketError.ConnectionRefused => null,
                SocketError.WouldBlock => SocketError.Success, // the backlog of a process that listens is full
                SocketError other => other,
            };
        }
    }

    // A connection attempt to a plain file is refused too. On other systems than Linux no file is removed.
    private static unsafe bool IsSocket(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        Span<byte> answer = stackalloc byte[StatxBytes];
        fixed (byte* first = answer)
        {
            return Statx(AtCurrentDirectory, path, NoFollow, TypeOnly, first) == 0
                && (BitConverter.ToUInt16(answer[ModeOffset..]) & TypeMask) == SocketType;
        }
    }

    // statx and not stat: its structure is the same on all processors.
    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int Statx(int directory, string path, int flags, uint mask, byte* answer);
}
