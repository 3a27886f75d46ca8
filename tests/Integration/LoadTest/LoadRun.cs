using Weir.Integration.Servers;
using Weir.Testing;
using Weir.TestSupport.Processes;

namespace Weir.Integration.LoadTest;

/// <summary>The load test's program as a process of its own.</summary>
internal static class LoadRun
{
    // Generous: a run starts up to four processes of .NET, beside other tests.
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    /// <summary>The command of a Host for --server, on the transport under test.</summary>
    public static string Host(string options = "")
        => $"dotnet '{Repository.HostAssembly}' --urls http://127.0.0.1:{{port}} --Logging:LogLevel:Default=Warning "
        + $"--Weir:Transport={TransportUnderTest.Name} --Weir:Echo:Enabled=true --Weir:Drain:Window=1 {options}";

    /// <summary>Starts it; <paramref name="options"/> are divided at spaces, <paramref name="more"/> are whole.</summary>
    public static ChildProcess Start(string options, params string[] more)
    {
        string[] command = [Path.Combine(AppContext.BaseDirectory, "Weir.LoadTest.dll"), .. options.Split(' '), .. more];
        return ChildProcess.Start("dotnet", command, AppContext.BaseDirectory);
    }

    public static async Task<(int ExitCode, string Output)> RunAsync(string options, params string[] more)
    {
        await using ChildProcess load = Start(options, more);
        int exitCode = await load.ExitCodeAsync().Within(Limit);
        return (exitCode, load.Output);
    }
}
