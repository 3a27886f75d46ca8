using Weir.Connections;
using Weir.Diagnostics;
using Weir.Timing;

namespace Weir.Hosting;

/// <summary>
/// Drains a node without a stampede: no new connection is admitted, and the open ones are sent 1001 one after another over a
/// window, because clients reconnect when they are closed, whatever their jitter.
/// </summary>
internal static class Drain
{
    /// <summary>The time the last connections have to answer.</summary>
    public static readonly TimeSpan LastCloseTimeout = TimeSpan.FromSeconds(5);

    /// <summary>A hundred a second cause no stampede: a node with few clients need not use the whole window.</summary>
    public const int FewestPerStep = 10;

    /// <summary>The time between two batches.</summary>
    public static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);

    /// <summary>Drains the connections and whatever else of the node ends with them.</summary>
    public static Task RunNodeAsync(WeirEngine engine, TimeSpan window, CancellationToken abortToken)
    {
        // In this order: the first closes the gate before it waits for anything, so that no stream comes in behind the others.
        Task connections = RunAsync(engine, window, LastCloseTimeout, abortToken);
        return Task.WhenAll([connections, .. engine.DrainParticipants.Select(drain => drain(window, abortToken))]);
    }

    /// <summary>Completes when every connection has ended; those that have not when it is over are aborted.</summary>
    /// <param name="engine">The node.</param>
    /// <param name="window">Over what time the closes are spread; zero: all immediately.</param>
    /// <param name="lastCloseTimeout">How long after its end the last ones may take.</param>
    /// <param name="abortToken">Aborts the remaining connections immediately.</param>
    public static async Task RunAsync(WeirEngine engine, TimeSpan window, TimeSpan lastCloseTimeout, CancellationToken abortToken)
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
                    await Task.Delay(Step, engine.Time, abortToken).ConfigureAwait(false);
                }
            }

            using RunningTimeout lastCloses = new(lastCloseTimeout, engine.Time);
            while (engine.Connections.Count > 0 && !lastCloses.HasElapsed)
            {
                await Task.Delay(Step, engine.Time, abortToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (abortToken.IsCancellationRequested)
        {
            WeirLog.DrainAborted(engine.Logger, engine.Connections.Count);
        }

        // Also connections accepted between the last check and now.
        engine.Connections.Take(int.MaxValue, closing);
        closing.ForEach(static connection => connection.AbortUnlessEnded());

        WeirLog.DrainEnded(engine.Logger, total, engine.Time.GetElapsedTime(began));
    }

    /// <summary>Ends items one after another over a window, no more slowly than the drain closes connections.</summary>
    public static async Task SpreadAsync<T>(
        TimeProvider time, IReadOnlyCollection<T> items, Action<T> end, TimeSpan window, CancellationToken abortToken)
    {
        long began = time.GetTimestamp();
        int total = items.Count;
        int ended = 0;
        foreach (T item in items)
        {
            while (!abortToken.IsCancellationRequested && ended >= DueAt(time.GetElapsedTime(began)))
            {
                await Task.Delay(Step, time, abortToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            end(item);
            ended++;
        }

        int DueAt(TimeSpan passed)
        {
            double steps = 1 + Math.Floor(passed / Step);
            double share = window > TimeSpan.Zero ? Math.Ceiling(total * Math.Min(1, passed / window)) : total;
            return (int)Math.Max(FewestPerStep * steps, share);
        }
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
