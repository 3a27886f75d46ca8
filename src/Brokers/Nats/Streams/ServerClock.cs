namespace Weir.Brokers.Nats.Streams;

/// <summary>
/// The servers' clock, as the time stamps of this node's probes show it: nodes whose clocks differ agree when a history or a presence
/// ends. Thread-safe.
/// </summary>
internal sealed class ServerClock(TimeProvider time)
{
    private long _ahead; // in ms

    /// <summary>The time in ms since 1970.</summary>
    public long Now => OwnNow + Volatile.Read(ref _ahead);

    /// <summary>The time of this node's clock, for <see cref="Compare"/>.</summary>
    public long OwnNow => time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Records that a server stored a message at a time of its own clock, between two times of this node's.</summary>
    public void Compare(long storedAt, long before, long after)
        // Exact clocks stay exact: the difference counts only beyond what the round trip explains.
        => Volatile.Write(ref _ahead, storedAt < before ? storedAt - before : storedAt > after ? storedAt - after : 0);
}
