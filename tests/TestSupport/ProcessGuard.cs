using System.Diagnostics;

namespace Weir.TestSupport;

/// <summary>
/// Kills every process with a certain environment variable when it is disposed, or when the process that created it has ended.
/// </summary>
/// <remarks>
/// A separate process: a shell that waits for the end of its standard input, whose other end only this process holds.
/// </remarks>
public sealed class ProcessGuard : IDisposable
{
    // Twice, since a process may start another while the first round runs.
    private const string Script = """
        exec >/dev/null 2>&1
        trap '' INT TERM HUP
        cat
        for round in 1 2; do
            for environment in /proc/[0-9]*/environ; do
                if tr '\0' '\n' <"$environment" | grep -qx "$1"; then
                    process=${environment#/proc/}
                    kill -9 "${process%/environ}"
                fi
            done
        done
        """;

    private readonly Process _shell;

    public ProcessGuard(string variable, string value)
        => _shell = Process.Start(
            new ProcessStartInfo("sh", ["-c", Script, "sh", $"{variable}={value}"]) { RedirectStandardInput = true })!;

    /// <summary>Returns when the processes have been killed.</summary>
    public void Dispose()
    {
        _shell.StandardInput.Close();
        _shell.WaitForExit();
        _shell.Dispose();
    }
}
