using Weir.Diagnostics;

namespace Weir.Connections;

/// <summary>
/// Takes a node down without a stampede: nobody new is let in, and the connections there are get their 1001 one after
/// another over a window, because clients come back the moment they are closed, whatever jitter they have.
/// </summary>
internal static class Drain
{
    /// <summary>How long the last ones may take to answer.</summary>
    public static readonly TimeSpan LastCloseTimeout = TimeSpan.FromSeconds(5);

    /// <summary>A hundred a second stampede nobody: a node with few clients need not take the whole window for them.</summary>
    public const int FewestPerStep = 10;

    /// <summary>The time between two lots of them.</summary>
    public static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);

    /// <summary>Completes when every connection has ended; those that have not when it is over are aborted.</summary>
    /// <param name="engine">The node.</param>
    /// <param name="window">Over what time the closes are spread; zero: all at once.</param>
    /// <param name="lastCloseTimeout">How long after its end the last ones may take.</param>
    /// <param name="hurry">Ends it at once: what is left is aborted.</param>
    public static async Task RunAsync(WeirEngine engine, TimeSpan window, TimeSpan lastCloseTimeout, CancellationToken hurry)
    {
        engine.Gate.Drain();
        int total = engine.Connections.Count;
        WeirLog.DrainBegan(engine.Logger, total, window);
        long began = engine.Time.GetTimestamp();
        List<WeirConnection> closing = [];
        try
        {
            bool isOver = false;
            while (!isOver)
            {
                // By the clock and not by the step, so that late steps catch up.
                TimeSpan passed = engine.Time.GetElapsedTime(began) + Step;
                isOver = passed >= window;
                int due = isOver ? int.MaxValue : Math.Max(FewestPerStep, (int)Math.Ceiling(total * (passed / window)) - closing.Count);
                CloseSome(engine, due, closing);
                isOver |= engine.Connections.Count == 0;
                if (!isOver)
                {
                    await Task.Delay(Step, engine.Time, hurry).ConfigureAwait(false);
                }
            }

            long last = engine.Time.GetTimestamp();
            while (engine.Connections.Count > 0 && engine.Time.GetElapsedTime(last) < lastCloseTimeout)
            {
                await Task.Delay(Step, engine.Time, hurry).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (hurry.IsCancellationRequested)
        {
            WeirLog.DrainHurried(engine.Logger, engine.Connections.Count);
        }

        // Also what was let in between the last look and now.
        engine.Connections.Take(int.MaxValue, closing);
        closing.ForEach(static connection => connection.AbortUnlessEnded());

        WeirLog.DrainEnded(engine.Logger, total, engine.Time.GetElapsedTime(began));
    }

    private static void CloseSome(WeirEngine engine, int most, List<WeirConnection> closing)
    {
        int before = closing.Count;
        engine.Connections.Take(most, closing);
        for (int i = before; i < closing.Count; i++)
        {
            closing[i].CloseForShutdown();
        }

        engine.Metrics.Drained(closing.Count - before);
    }
}
