namespace Weir.TestSupport;

/// <summary>Measures the allocations of code under test.</summary>
public static class Allocations
{
    /// <summary>
    /// The least that any of five rounds allocates on this thread, in bytes. The code's own allocations occur in every round; but a
    /// collection caused by other tests can add to one of them: it takes back the rest of the thread's allocation context, and the
    /// arrays that the shared pool kept for the thread, whose next rent allocates again.
    /// </summary>
    public static long LeastOf(Action round) => LeastOf(static () => { }, round);

    /// <inheritdoc cref="LeastOf(Action)"/>
    /// <param name="prepare">Runs before each round, and may allocate.</param>
    /// <param name="round">The code under test. The first round is not counted if it allocates: it may initialize statics.</param>
    public static long LeastOf(Action prepare, Action round)
    {
        long least = long.MaxValue;
        for (int i = 0; i < 5 && least > 0; i++)
        {
            prepare();
            long before = GC.GetAllocatedBytesForCurrentThread();
            round();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
