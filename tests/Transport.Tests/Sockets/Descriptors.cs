using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Weir.Transport.Tests.Sockets;

/// <summary>The files that this process has open.</summary>
internal static partial class Descriptors
{
    private const int NumberOfFiles = 7; // RLIMIT_NOFILE

    public static int Count => Directory.GetFileSystemEntries("/proc/self/fd").Length;

    /// <summary>Sets how many may be open and returns the old number; those that are stay open.</summary>
    public static ulong SetLimit(ulong limit)
    {
        Limits limits = default;
        Check(GetLimit(NumberOfFiles, ref limits));
        ulong old = limits.Now;
        limits.Now = limit;
        Check(SetLimit(NumberOfFiles, in limits));
        return old;
    }

    private static void Check(int result)
    {
        if (result != 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        }
    }

    [LibraryImport("libc", EntryPoint = "getrlimit", SetLastError = true)]
    private static partial int GetLimit(int resource, ref Limits limits);

    [LibraryImport("libc", EntryPoint = "setrlimit", SetLastError = true)]
    private static partial int SetLimit(int resource, in Limits limits);

    [StructLayout(LayoutKind.Sequential)]
    private struct Limits
    {
        public ulong Now;
        public ulong AtMost;
    }
}
