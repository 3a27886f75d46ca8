namespace Weir.TestSupport;

/// <summary>
/// One run of a test assembly. The processes that the run has started end with it, also if the run itself is killed (a hang limit,
/// a developer) and no test can dispose anything. An assembly fixture of every project whose tests start processes;
/// Linux only, on other systems it does nothing.
/// </summary>
/// <remarks>Processes inherit an environment variable with the id of the run, and so do their children.</remarks>
public sealed class TestRun : IDisposable
{
    private const string Variable = "WEIR_TEST_RUN";

    private readonly ProcessGuard? _guard;

    /// <summary>Begins the run. Must be created before the first test starts a process.</summary>
    public TestRun()
    {
        if (OperatingSystem.IsLinux())
        {
            string id = Guid.NewGuid().ToString("N");
            _guard = new ProcessGuard(Variable, id);
            Environment.SetEnvironmentVariable(Variable, id); // after the guard's start, which must not kill itself
        }
    }

    /// <summary>Kills the remaining processes.</summary>
    public void Dispose() => _guard?.Dispose();
}
