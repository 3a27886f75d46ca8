using Weir.Connections;
using Weir.Hosting;

namespace Weir;

/// <summary>
/// The node as a whole: its number of connections, and its drain. A service of the application once
/// <see cref="WeirServiceCollectionExtensions.AddWeir"/> was called. Thread-safe.
/// </summary>
public sealed class WeirNode
{
    private readonly WeirEngine _engine;

    internal WeirNode(WeirEngine engine) => _engine = engine;

    /// <summary>Connections that have not ended, closing ones included.</summary>
    public int Connections => _engine.Connections.Count;

    /// <summary>Bytes pending for slow clients.</summary>
    public long PendingBytes => _engine.Pressure.Bytes;

    /// <summary>Whether the node is draining: upgrades are then refused with 503.</summary>
    public bool IsDraining => _engine.Gate.IsDraining;

    /// <summary>
    /// Refuses new connections and closes all open ones with 1001, spread over a window. Those still open at its end are aborted.
    /// Called automatically when the application stops.
    /// </summary>
    /// <param name="window">The time over which connections are closed; zero: all at once.</param>
    /// <param name="abortToken">Ends the drain immediately: the remaining connections are aborted.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="window"/> is negative.</exception>
    public Task DrainAsync(TimeSpan window, CancellationToken abortToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(window, TimeSpan.Zero);
        return Drain.RunNodeAsync(_engine, window, abortToken);
    }
}
