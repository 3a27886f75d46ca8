using System.Collections.Concurrent;

namespace Weir.Integration.Nodes;

/// <summary>Each message, with its sender and time, in the order of one counter; every member's messages are compared with it.</summary>
internal sealed class Ledger
{
    private readonly ConcurrentDictionary<string, ConcurrentDictionary<string, long>> _sent = new();
    private long _now;

    /// <summary>The next moment.</summary>
    public long Tick() => Interlocked.Increment(ref _now);

    /// <summary>Notes a message, just before it is sent.</summary>
    public void Note(string room, string text) => Sent(room)[text] = Tick();

    /// <summary>What was sent to a room, and when.</summary>
    public ConcurrentDictionary<string, long> Sent(string room) => _sent.GetOrAdd(room, static _ => new());
}
