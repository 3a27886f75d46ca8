namespace Weir.TestSupport;

/// <summary>What code under test allocates.</summary>
public static class Allocations
{
    /// <summary>
    /// The least that any of five rounds allocates on this thread, in bytes. What the code under test allocates it allocates
    /// in every round; but a collection that other tests bring about can be charged to one of them: it takes back the rest of
    /// the thread's allocation context, and what the shared array pool kept for the thread, whose next rent pays for that.
    /// </summary>
    public static long LeastOf(Action round) => LeastOf(static () => { }, round);

    /// <inheritdoc cref="LeastOf(Action)"/>
    /// <param name="prepare">Runs before each round, and may allocate.</param>
    /// <param name="round">What is measured. The first round is not counted if it allocates: it may pay for statics.</param>
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
