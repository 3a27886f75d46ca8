using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace Weir.Timing;

/// <summary>
/// The only timer of a listener's connections: a hierarchical timer wheel. Scheduling, moving and cancelling a
/// <see cref="TimerNode"/> is O(1) and allocates nothing; one <see cref="ITimer"/> serves all nodes, and is stopped while no node
/// is scheduled. All members are thread-safe.
/// </summary>
/// <remarks>
/// <para>
/// <b>Threads.</b> One lock guards slots, clock and every node's links; it is held for a few pointer writes, or for one batch of
/// a cascade. The <see cref="ITimer"/> is armed for the next tick that has something to do, and not while a turn is under way; a
/// call during a turn returns immediately. So turns never overlap, and <see cref="TimerNode.OnExpired"/> never runs twice at once
/// in one wheel. A turn detaches the due slot, then takes node after node out under the lock and calls it outside. On a thread
/// that serves connections as well (<see cref="LoopTimeProvider"/>) it yields to them after <see cref="CallsAtOnce"/> nodes; the
/// rest are called when they have been served, and the clock does not wait for that.
/// </para>
/// <para>
/// <b>Sleep.</b> Waking a sleeping thread costs more than calling many nodes, so ticks at which no node is due are not run: the
/// wheel sleeps up to <see cref="LongestSleep"/> ticks, and is woken earlier by a node that is scheduled for sooner. Many nodes
/// are called cheaply if they are due at the same tick.
/// </para>
/// <para>
/// <b>Races.</b> A node stays scheduled until it is taken out to be called. Until then <see cref="Cancel"/> returns true and it
/// will not fire, and <see cref="Schedule"/> moves it, even if its slot is already detached. After that <see cref="Cancel"/>
/// returns false and does not wait: the callback may still be running, so the objects it uses must tolerate that.
/// <see cref="Schedule"/> during the callback, from inside or from another thread, arms the node anew; the earliest it fires is
/// the next tick.
/// </para>
/// <para>
/// <b>Wheel time.</b> Deadlines are in wheel time, which runs with real time as long as ticks run when they should. Ticks up to
/// <see cref="MaxCatchUpTicks"/> behind are jitter: they are run one by one, in order. A wheel further behind than that was kept
/// from running (a long GC pause, a suspended process, a starved thread pool, a slow callback), and so were the reads that would
/// have received the clients' data: their bytes wait in the kernel. Counting that time against clients would close every
/// connection on the first tick after the pause. So however long it was, the overrun counts as a single tick, behind those the
/// wheel meant to sleep through: the rest is removed from wheel time, every deadline and every age measured by
/// <see cref="CurrentTick"/> moves by as much, and nodes continue in due order with the distances they had. It is logged once.
/// <see cref="Schedule"/> counts from real now: it settles an overrun that the turn has not seen yet, so a deadline set right
/// after a pause does not include the pause.
/// </para>
/// </remarks>
[Experimental("WEIR001")]
public sealed partial class TimerWheel : IDisposable
{
    /// <summary>
    /// 100 ms: suits timeouts counted in seconds, and means at most ten wake-ups a second for the whole listener.
    /// </summary>
    public static readonly TimeSpan DefaultTick = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// How far behind the wheel may be and still run all missed ticks: half a second at the default tick, more than the pauses
    /// and queueing of a busy but healthy process, and little compared with any sensible timeout of a client.
    /// </summary>
    internal const int MaxCatchUpTicks = 5;

    /// <summary>
    /// How many ticks without a node pass unseen: at the default tick the wheel wakes once a second, at no measurable cost, and
    /// searches that many slots for the next node.
    /// </summary>
    internal const int LongestSleep = 10;

    /// <summary>
    /// Nodes called before connections are served. Half a millisecond of Pings: the most that they delay a message; and the
    /// answers find the objects that the Pings have used in the cache.
    /// </summary>
    internal const int CallsAtOnce = 64;

    // Longer than any process runs, and small enough to be added to the current tick and to another such time.
    private const long MostTicks = long.MaxValue / 4;

    // The tick to be run next, of a wheel without nodes.
    private const long Never = long.MaxValue;

    private readonly Lock _gate = new();

    // Taken before the gate, by the thread that arms the timer.
    private readonly Lock _arming = new();
    private readonly TimerSlots _slots = new();
    private readonly TimerList _expired = new();
    private readonly WheelClock _clock;
    private readonly ITimer _timer;
    private readonly ILogger _logger;
    private readonly Histogram<double>? _lag;
    private readonly bool _sharesThread;

    // Written inside the lock only, read outside it by the properties.
    private long _currentTick;
    private int _count;
    private bool _disposed;

    // The tick for which the timer is armed, or, while that tick is run or the turn has yielded, was armed.
    private long _wakeTick = Never;

    // While a turn is under way, no thread arms the timer.
    private bool _isTurning;

    // Time forgiven since the last tick began: the next tick is late by this, too.
    private long _forgivenSinceTick;

    /// <summary>Creates a wheel without nodes, whose timer is stopped.</summary>
    /// <param name="timeProvider">The clock, and the factory of the one timer.</param>
    /// <param name="logger">Receives overruns and the exceptions of callbacks.</param>
    /// <param name="tick">The resolution, at least 1 ms; see <see cref="DefaultTick"/>.</param>
    /// <param name="lag">
    /// Records once per tick, if enabled, how late the tick was run, in seconds and including forgiven time; <c>null</c>: not recorded.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="tick"/> is below 1 ms or above a day.</exception>
    public TimerWheel(TimeProvider timeProvider, ILogger logger, TimeSpan tick, Histogram<double>? lag = null)
    {
        ArgumentNullException.ThrowIfNull(timeProvider);
        ArgumentNullException.ThrowIfNull(logger);
        ArgumentOutOfRangeException.ThrowIfLessThan(tick, TimeSpan.FromMilliseconds(1));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(tick, TimeSpan.FromDays(1));
        Tick = tick;
        _logger = logger;
        _lag = lag;
        _clock = new WheelClock(timeProvider, tick);
        _sharesThread = timeProvider is LoopTimeProvider;

        // The timer outlives the caller that creates the wheel, so it must not capture that caller's AsyncLocals.
        using AsyncFlowControl flow = ExecutionContext.IsFlowSuppressed() ? default : ExecutionContext.SuppressFlow();
        _timer = timeProvider.CreateTimer(
            static wheel => ((TimerWheel)wheel!).Turn(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The resolution.</summary>
    public TimeSpan Tick { get; }

    /// <summary>How many nodes are scheduled, those about to be called included.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>
    /// A coarse clock in units of <see cref="Tick"/> from an arbitrary start; it never goes back. It advances with the ticks that
    /// are run, at the price of two plain reads, and between those each read brings it up to real time, at the price of reading
    /// the real clock: cheap enough to record when a connection last received data. It does not count time forgiven after an
    /// overrun, so an age never includes a pause of the server; nor does it advance while a callback runs.
    /// </summary>
    public long CurrentTick
    {
        get
        {
            long wakeTick = Volatile.Read(ref _wakeTick);
            long currentTick = Volatile.Read(ref _currentTick);
            return wakeTick <= currentTick + 1 ? currentTick : ReadClockOfSleepingWheel(currentTick, wakeTick);
        }
    }

    /// <summary>Converts a duration to ticks, rounded up.</summary>
    /// <param name="duration">Not negative; of any length.</param>
    /// <param name="tick">The length of a tick.</param>
    /// <returns>
    /// At most a quarter of the range of <see cref="long"/>, which never elapses and can be added to <see cref="CurrentTick"/> and to
    /// another such duration.
    /// </returns>
    public static long TicksOf(TimeSpan duration, TimeSpan tick)
        => Math.Min(MostTicks, (duration.Ticks / tick.Ticks) + (duration.Ticks % tick.Ticks > 0 ? 1 : 0));

    /// <summary>
    /// Schedules the node, or moves it if it is scheduled. It never fires before <paramref name="dueIn"/> has passed, and at most
    /// one tick after, plus the machine's delay. Zero or less means the next tick; there is no upper limit. No effect after
    /// <see cref="Dispose"/>: connections that outlive the listener by a moment are part of any shutdown, and their deadlines no
    /// longer matter.
    /// </summary>
    /// <param name="node">The node; scheduled in no other wheel.</param>
    /// <param name="dueIn">From now.</param>
    public void Schedule(TimerNode node, TimeSpan dueIn)
    {
        ArgumentNullException.ThrowIfNull(node);
        TimeSpan elapsed = _clock.ReadElapsed();
        TimeSpan forgiven;
        bool isSooner;
        lock (_gate)
        {
            long position = SynchronizeInsideLock(elapsed, out forgiven);
            isSooner = InsertInsideLock(node, _clock.DueTick(position, dueIn));
        }

        if (isSooner)
        {
            Arm();
        }

        LogIfForgiven(forgiven);
    }

    /// <summary>
    /// As <see cref="Schedule"/>, for callers that count in ticks: due when <see cref="CurrentTick"/> has reached
    /// <paramref name="tick"/>, at the next tick if it has already. In a callback it does not read the real clock.
    /// </summary>
    /// <param name="node">The node; scheduled in no other wheel.</param>
    /// <param name="tick">In terms of <see cref="CurrentTick"/>.</param>
    public void ScheduleAt(TimerNode node, long tick)
    {
        ArgumentNullException.ThrowIfNull(node);
        _ = CurrentTick; // brings a sleeping or stopped wheel up to real time
        bool isSooner;
        lock (_gate)
        {
            isSooner = InsertInsideLock(node, tick);
        }

        if (isSooner)
        {
            Arm();
        }
    }

    /// <summary>Removes the node. Does not wait for its callback.</summary>
    /// <param name="node">The node.</param>
    /// <returns>
    /// <c>true</c> if it was scheduled: it will not fire. <c>false</c> if it was never scheduled, has fired, or is firing just now.
    /// </returns>
    public bool Cancel(TimerNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        lock (_gate)
        {
            return TryTakeOutInsideLock(node);
        }
    }

    /// <summary>
    /// Stops the wheel permanently. Nodes still scheduled are removed (<see cref="TimerNode.IsScheduled"/> turns false) and never
    /// fire. Does not wait for a callback in flight, so a callback may call it.
    /// </summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            Volatile.Write(ref _wakeTick, Never);
            foreach (TimerList slot in _slots.All)
            {
                _expired.TakeAll(slot);
            }

            // One by one: nodes left linked would keep each other's connections alive.
            while (_expired.First is { } node)
            {
                TryTakeOutInsideLock(node);
            }
        }

        _timer.Dispose();
    }

    // Returns true if the timer has to be armed, or for sooner than it is.
    private bool InsertInsideLock(TimerNode node, long dueTick)
    {
        Debug.Assert(_gate.IsHeldByCurrentThread);
        if (_disposed)
        {
            return false;
        }

        if (node.IsScheduled)
        {
            TimerList.Remove(node);
        }
        else
        {
            Volatile.Write(ref _count, _count + 1);
        }

        node.DueTick = Math.Max(dueTick, _currentTick + 1);
        _slots.Insert(node, _currentTick);
        if (node.DueTick >= _wakeTick || _isTurning)
        {
            return false;
        }

        Volatile.Write(ref _wakeTick, _slots.NextToRun(_currentTick, LongestSleep));
        return true;
    }

    private bool TryTakeOutInsideLock(TimerNode node)
    {
        Debug.Assert(_gate.IsHeldByCurrentThread);
        if (!node.IsScheduled)
        {
            return false;
        }

        TimerList.Remove(node);
        Volatile.Write(ref _count, _count - 1);
        return true;
    }
}
