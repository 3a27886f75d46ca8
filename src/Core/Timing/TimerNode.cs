namespace Weir.Timing;

/// <summary>
/// Something that falls due: the base of everything a <see cref="TimerWheel"/> schedules. The links of the wheel's
/// lists live in the node itself, so scheduling allocates nothing. A node belongs to at most one wheel at a time.
/// </summary>
/// <remarks>
/// Costs 24 bytes of fields on a 64-bit runtime, whether a connection derives from it or owns one (40 bytes as an
/// object of its own, object header included). It carries neither its wheel nor its slot: a list through a sentinel
/// unlinks without them. The price is that nothing notices a node handed to the wrong wheel; keep one wheel per
/// listener.
/// </remarks>
internal abstract class TimerNode
{
    // Owned by the wheel and written only inside its lock. Both null: not scheduled.
    internal TimerNode? Previous;
    internal TimerNode? Next;
    internal long DueTick;

    /// <summary>
    /// Whether the node waits in a wheel: false from the moment its callback is about to start. A snapshot, free to
    /// read on any thread; to act on it, use what <see cref="TimerWheel.Cancel"/> returns.
    /// </summary>
    public bool IsScheduled => Volatile.Read(ref Next) is not null;

    /// <summary>
    /// Runs when the node is due, on the thread that the wheel's timer fires on, outside the wheel's lock. All callbacks of one wheel run one
    /// after another, so it must be quick and must not block; what it throws is logged and dropped. It may schedule
    /// this node or any other again.
    /// </summary>
    protected internal abstract void OnExpired();

    /// <summary>
    /// Its call comes nearer: time to ask for what it will touch (<see cref="Buffers.Prefetch"/>), one object further with each
    /// step. Called for speed alone, and not for every node: only while others are due at the same tick.
    /// </summary>
    /// <param name="callsBefore">How many others are called first: from <see cref="TimerWheel.NodesAhead"/> - 1 down to 1.</param>
    protected internal virtual void FetchAhead(int callsBefore)
    {
    }
}
