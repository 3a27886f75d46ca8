using System.Collections.Concurrent;

namespace Weir.Integration.Nodes;

/// <summary>What was sent, by whom and when, in the order of one counter; against this every member's messages are held.</summary>
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
