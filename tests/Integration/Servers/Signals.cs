using System.Runtime.InteropServices;

namespace Weir.Integration.Servers;

/// <summary>kill(2): .NET can end a process, but not ask it to end or hold it.</summary>
internal static partial class Signals
{
    private const int Term = 15;
    private const int Stop = 19;

    /// <summary>Asks it to end.</summary>
    public static void Terminate(int processId) => Send(processId, Term);

    /// <summary>Holds it: the kernel goes on to acknowledge what comes for it, but nobody reads or answers.</summary>
    public static void Suspend(int processId) => Send(processId, Stop);

    private static void Send(int processId, int signal)
    {
        if (Kill(processId, signal) != 0)
        {
            throw new InvalidOperationException($"kill({processId}, {signal}) failed with {Marshal.GetLastPInvokeError()}");
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);
}
