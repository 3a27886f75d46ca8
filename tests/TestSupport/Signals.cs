using System.Runtime.InteropServices;

namespace Weir.TestSupport;

/// <summary>kill(2): .NET can end a process, but not ask it to end or hold it.</summary>
public static partial class Signals
{
    private const int Hup = 1;
    private const int KillNow = 9;
    private const int Term = 15;
    private const int Cont = 18;
    private const int Stop = 19;

    /// <summary>Asks it to end.</summary>
    public static void Terminate(int processId) => Send(processId, Term);

    /// <summary>Holds it: the kernel goes on to acknowledge what comes for it, but nobody reads or answers.</summary>
    public static void Suspend(int processId) => Send(processId, Stop);

    /// <summary>Lets it go on after <see cref="Suspend"/>.</summary>
    public static void Continue(int processId) => Send(processId, Cont);

    /// <summary>Asks it to read its settings again.</summary>
    public static void HangUp(int processId) => Send(processId, Hup);

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
