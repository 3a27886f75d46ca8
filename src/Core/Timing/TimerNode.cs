using System.Diagnostics.CodeAnalysis;

namespace Weir.Timing;

/// <summary>
/// A timer: the base of every object that a <see cref="TimerWheel"/> schedules. The links of the wheel's lists are in the node
/// itself, so scheduling allocates nothing. A node belongs to at most one wheel at a time.
/// </summary>
/// <remarks>
/// Costs 24 bytes of fields on a 64-bit runtime, whether a connection derives from it or owns one (40 bytes as an object of its
/// own, object header included). It references neither its wheel nor its slot: a list through a sentinel unlinks without them.
/// The price is that a node passed to the wrong wheel is not detected; keep one wheel per listener.
/// </remarks>
[Experimental("WEIR001")]
public abstract class TimerNode
{
    // Owned by the wheel and written only inside its lock. Both null: not scheduled.
    internal TimerNode? Previous;
    internal TimerNode? Next;
    internal long DueTick;

    /// <summary>
    /// Whether the node waits in a wheel: false from the moment its callback is about to start. A snapshot, readable on any
    /// thread; to act on it, use the result of <see cref="TimerWheel.Cancel"/>.
    /// </summary>
    public bool IsScheduled => Volatile.Read(ref Next) is not null;

    /// <summary>
    /// Runs when the node is due, on the thread on which the wheel's timer fires, outside the wheel's lock. All callbacks of one
    /// wheel run one after another, so it must be quick and must not block; its exceptions are logged and dropped. It may
    /// schedule this node or any other again.
    /// </summary>
    protected internal abstract void OnExpired();

    /// <summary>
    /// Called shortly before <see cref="OnExpired"/>, to prefetch the objects that it will use, one object further with each step.
    /// Called only for speed, and not for every node: only while others are due at the same tick. No effect by default.
    /// </summary>
    /// <param name="callsBefore">How many others are called first: 3, then 2, then 1.</param>
    protected internal virtual void FetchAhead(int callsBefore)
    {
    }
}
