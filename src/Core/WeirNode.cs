using Weir.Connections;

namespace Weir;

/// <summary>
/// This node as a whole: how many are connected, and the way down. A service of the application once
/// <see cref="WeirServiceCollectionExtensions.AddWeir"/> was called. Thread-safe.
/// </summary>
public sealed class WeirNode
{
    private readonly WeirEngine _engine;

    internal WeirNode(WeirEngine engine) => _engine = engine;

    /// <summary>Connections that are open now, those on their way out included.</summary>
    public int Connections => _engine.Connections.Count;

    /// <summary>Bytes that wait for slow clients.</summary>
    public long PendingBytes => _engine.Pressure.Bytes;

    /// <summary>True from the moment the node is told to go down: upgrades are refused with 503.</summary>
    public bool IsDraining => _engine.Gate.IsDraining;

    /// <summary>
    /// Lets nobody in any more and closes all connections with 1001, spread over a window. What is open when it is over is
    /// aborted. Called by itself when the application stops.
    /// </summary>
    /// <param name="window">Over what time; zero: all at once.</param>
    /// <param name="hurry">Ends it at once: what is left is aborted.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="window"/> is negative.</exception>
    public Task DrainAsync(TimeSpan window, CancellationToken hurry = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(window, TimeSpan.Zero);

        // In this order: the first closes the gate before it waits for anything, so that no stream comes in behind the others.
        return Task.WhenAll(
            [Drain.RunAsync(_engine, window, Drain.LastCloseTimeout, hurry), .. _engine.AlsoDrains.Select(drain => drain(window, hurry))]);
    }
}
