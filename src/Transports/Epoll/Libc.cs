using System.Runtime.InteropServices;

namespace Weir.Transports.Epoll;

/// <summary>The system calls of Linux that the transport makes. Each returns -1 on failure, with the reason in <c>errno</c>.</summary>
internal static unsafe partial class Libc
{
    public const int EpollIn = 0x1;
    public const int EpollOut = 0x4;
    public const int EpollErr = 0x8;
    public const int EpollHup = 0x10;
    public const int EpollRdHup = 0x2000;

    /// <summary>Wakes one of the waiters, usually the same one: see findings/linux-epollexclusive-does-not-spread.sh.</summary>
    public const uint EpollExclusive = 1u << 28;

    public const uint EpollEdge = 1u << 31;

    public const int EpollAdd = 1;
    public const int EpollDelete = 2;

    public const int SockNonblock = 0x800;
    public const int SockCloseOnExec = 0x80000;
    public const int MsgPeek = 0x2;
    public const int MsgNoSignal = 0x4000;
    public const int ShutdownBoth = 2;

    public const int SolSocket = 1;
    public const int SoReuseAddress = 2;
    public const int SoReusePort = 15;
    public const int ProtoTcp = 6;
    public const int TcpNoDelay = 1;
    public const int TcpInfo = 11;

    public const int FamilyInet = 2;
    public const int FamilyInet6 = 10;

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    public static partial int EpollCreate(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    public static partial int EpollControl(int epoll, int operation, int descriptor, byte* @event);

    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    public static partial int EpollWait(int epoll, byte* events, int capacity, int timeoutMilliseconds);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    public static partial int EventFd(uint initial, int flags);

    [LibraryImport("libc", EntryPoint = "accept4", SetLastError = true)]
    public static partial int Accept(int listener, byte* address, int* addressLength, int flags);

    [LibraryImport("libc", EntryPoint = "getsockname", SetLastError = true)]
    public static partial int GetSocketName(int socket, byte* address, int* addressLength);

    [LibraryImport("libc", EntryPoint = "connect", SetLastError = true)]
    public static partial int Connect(int socket, byte* address, int addressLength);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    public static partial int SetOption(int socket, int level, int name, int* value, int size);

    [LibraryImport("libc", EntryPoint = "getsockopt", SetLastError = true)]
    public static partial int GetOption(int socket, int level, int name, byte* value, int* size);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    public static partial nint Receive(int socket, byte* buffer, nint size, int flags);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    public static partial nint Send(int socket, byte* buffer, nint size, int flags);

    [LibraryImport("libc", EntryPoint = "shutdown", SetLastError = true)]
    public static partial int Shutdown(int socket, int how);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(int descriptor, ulong* value, nint size);

    /// <summary>The values of <c>errno</c> that are handled here.</summary>
    internal static class Errno
    {
        public const int Interrupted = 4;
        public const int TryAgain = 11;
        public const int TooManyFilesInSystem = 23;
        public const int TooManyFiles = 24;
        public const int BrokenPipe = 32;
        public const int NoBufferSpace = 105;
        public const int NoMemory = 12;
        public const int NotConnected = 107;
        public const int ConnectionReset = 104;
    }
}
