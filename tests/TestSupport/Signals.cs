using System.Runtime.InteropServices;

namespace Weir.TestSupport;

/// <summary>kill(2): .NET can kill a process, but not terminate it gracefully or suspend it.</summary>
public static partial class Signals
{
    private const int Hup = 1;
    private const int KillNow = 9;
    private const int User2 = 12;
    private const int Term = 15;
    private const int Cont = 18;
    private const int Stop = 19;

    /// <summary>Requests its termination.</summary>
    public static void Terminate(int processId) => Send(processId, Term);

    /// <summary>Suspends it: the kernel still acknowledges data for it, but the process neither reads nor answers.</summary>
    public static void Suspend(int processId) => Send(processId, Stop);

    /// <summary>Continues it after <see cref="Suspend"/>.</summary>
    public static void Continue(int processId) => Send(processId, Cont);

    /// <summary>Requests it to reload its settings.</summary>
    public static void HangUp(int processId) => Send(processId, Hup);

    /// <summary>Sends SIGUSR2, whose meaning is the process's own.</summary>
    public static void UserTwo(int processId) => Send(processId, User2);

    /// <summary>Ends it as a crash would.</summary>
    public static void Kill(int processId) => Send(processId, KillNow);

    private static void Send(int processId, int signal)
    {
        if (SystemKill(processId, signal) != 0)
        {
            throw new InvalidOperationException($"kill({processId}, {signal}) failed with {Marshal.GetLastPInvokeError()}");
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SystemKill(int processId, int signal);
}
