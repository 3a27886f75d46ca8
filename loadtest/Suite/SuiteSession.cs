namespace Weir.LoadTest.Suite;

/// <summary>The time around a run: what is prepared for its loads, and cleaned when they have ended.</summary>
internal static class SuiteSession
{
    /// <returns>The result of <paramref name="run"/>.</returns>
    /// <exception cref="Exception">An init failed, after which all loads were cleaned all the same; or the run.</exception>
    public static async Task<T> RunAsync<T>(IReadOnlyList<SuiteLoad> loads, Func<T> run)
    {
        try
        {
            // In their order: a load may need what another has prepared, and no load disturbs it.
            foreach (SuiteLoad load in loads)
            {
                await load.Init();
            }

            return run();
        }
        finally
        {
            foreach (SuiteLoad load in loads)
            {
                await load.Clean();
            }
        }
    }

    /// <summary>
    /// For the reports of one run, below the folder that the user has named: NBomber deletes its report folder with all that is in it
    /// before it begins.
    /// </summary>
    public static string ReportFolder(string named, TimeProvider time, int process)
        => Path.Combine(named, FormattableString.Invariant($"{time.GetUtcNow():yyyy-MM-dd-HHmmss}-{process}"));
}
