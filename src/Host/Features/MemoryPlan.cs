namespace Weir.Host.Features;

/// <summary>
/// The memory that a node needs with a number of connections, by figures that were measured (docs/internals/benchmarks.md,
/// docs/operations/tuning.md). Each feature adds its part.
/// </summary>
internal sealed class MemoryPlan
{
    private const long Process = 100_000_000; // before its first client

    private long _idleEach;
    private long _mostEach;
    private long _node;

    /// <summary>Adds what each connection needs while it is idle, in bytes.</summary>
    public void AddIdle(long bytesEach) => (_idleEach, _mostEach) = (_idleEach + bytesEach, _mostEach + bytesEach);

    /// <summary>Adds what each connection may need beyond that, in bytes.</summary>
    public void AddBusy(long bytesEach) => _mostEach += bytesEach;

    /// <summary>Adds what the node may need in total, in bytes.</summary>
    public void AddNode(long bytes) => _node += bytes;

    /// <summary>Returns the bytes with idle connections.</summary>
    public long Idle(long connections) => Process + (connections * _idleEach);

    /// <summary>Returns the bytes in the worst case that has a bound.</summary>
    public long Most(long connections) => Process + (connections * _mostEach) + _node;
}
