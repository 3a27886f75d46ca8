namespace Weir.Transports.Epoll.Tests.Sockets;

/// <summary>The files that this process has open.</summary>
internal static class Descriptors
{
    public static int Count => Directory.GetFileSystemEntries("/proc/self/fd").Length;
}
