using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace Weir.Timing;

/// <summary>
/// The only timer of a listener's connections: a hierarchical timer wheel. Scheduling, moving and cancelling a
/// <see cref="TimerNode"/> is O(1) and allocates nothing; one <see cref="ITimer"/> serves all nodes, and none runs
/// while nothing is scheduled. All members are safe on any thread.
/// </summary>
/// <remarks>
/// <para>
/// <b>Threads.</b> One lock guards slots, clock and every node's links; it is held for a few pointer writes, or for one
/// batch of a cascade. The <see cref="ITimer"/> is armed for the next tick that has something to do, and not while a turn is
/// under way; one that calls all the same is sent away. So turns never overlap, and <see cref="TimerNode.OnExpired"/> never
/// runs twice at once in one wheel. A turn detaches the due slot, then takes node after node out under the lock and calls
/// it outside. On a thread that serves connections as well (<see cref="LoopTimeProvider"/>) it gives way to them after
/// <see cref="CallsAtOnce"/> nodes; the rest are called when they have been served, and the clock does not wait for that.
/// </para>
/// <para>
/// <b>Sleep.</b> To wake a sleeping thread costs more than to call many nodes, so ticks at which nothing is due are not run:
/// the wheel sleeps up to <see cref="LongestSleep"/> ticks, and is woken before by a node that is scheduled for sooner.
/// Who wants many nodes called cheaply has them due at the same tick.
/// </para>
/// <para>
/// <b>Races.</b> A node stays scheduled until the moment it is taken out to be called. Up to there <see cref="Cancel"/>
/// returns true and it will not fire, and <see cref="Schedule"/> moves it, even if its slot is already detached. After
/// that <see cref="Cancel"/> returns false and does not wait: the callback may still be running, so what it touches
/// must bear that. <see cref="Schedule"/> during the callback, from inside or from another thread, arms the node anew;
/// the earliest it fires is the next tick.
/// </para>
/// <para>
/// <b>What "now" is.</b> Deadlines live in wheel time, which runs with real time as long as ticks come about when they
/// should. Ticks up to <see cref="MaxCatchUpTicks"/> behind are jitter: they are run one by one, in order. A wheel
/// further behind than that was kept from running (a long GC pause, a suspended process, a starved thread pool, a slow
/// callback), and so were the reads that would have heard the clients: their bytes wait in the kernel. Charging them
/// for it would close every connection at once on the first tick after the pause. So however long it was, the overrun
/// counts as a single tick, behind those the wheel meant to sleep through: the rest is taken out of wheel time, every
/// deadline and every age measured by <see cref="CurrentTick"/> moves by as much, and nodes go on in due order with the
/// distances they had. It is logged once. <see cref="Schedule"/> counts from real now: it settles an overrun that the turn has not seen yet, so a
/// deadline set right after a pause does not include the pause.
/// </para>
/// </remarks>
internal sealed partial class TimerWheel : IDisposable
{
    /// <summary>
    /// 100 ms: fine for time-outs counted in seconds, and at most ten wake-ups a second for the whole listener.
    /// </summary>
    public static readonly TimeSpan DefaultTick = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// How far behind the wheel may be and still run all missed ticks: half a second at the default tick, more than the
    /// pauses and queueing of a busy but healthy process, and little against any sensible time-out of a client.
    /// </summary>
    internal const int MaxCatchUpTicks = 5;

    /// <summary>
    /// How many ticks without a node pass unseen: at the default tick the wheel looks up once a second, which costs nothing that
    /// could be measured, and has that many slots to look through for what is next.
    /// </summary>
    internal const int LongestSleep = 10;

    /// <summary>
    /// Nodes called before connections are served. Half a millisecond of Pings: what a message may wait for them; and the answers
    /// find in the cache what the Pings have touched.
    /// </summary>
    internal const int CallsAtOnce = 64;

    // The tick to be run next, of a wheel without nodes.
    private const long Never = long.MaxValue;

    private readonly Lock _gate = new();

    // Taken before the gate, by who arms the timer.
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

    // The tick that the timer is armed for, or, while that is being run or gives way, has been.
    private long _wakeTick = Never;

    // While it is, nobody arms the timer.
    private bool _isTurning;

    // Forgiven since the last tick began: that tick's successor is late by this, too.
    private long _forgivenSinceTick;

    /// <param name="timeProvider">The clock, and the maker of the one timer.</param>
    /// <param name="logger">Told of overruns and of callbacks that throw.</param>
    /// <param name="tick">The resolution, at least 1 ms; see <see cref="DefaultTick"/>.</param>
    /// <param name="lag">
    /// Told once per tick, where it is enabled, how late the tick was run, in seconds and with what is forgiven. Null: nobody.
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

        // The timer outlives whoever happened to create the wheel: their AsyncLocals must not ride along.
        using AsyncFlowControl flow = ExecutionContext.IsFlowSuppressed() ? default : ExecutionContext.SuppressFlow();
        _timer = timeProvider.CreateTimer(
            static wheel => ((TimerWheel)wheel!).Turn(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The resolution.</summary>
    public TimeSpan Tick { get; }

    /// <summary>How many nodes are scheduled, those about to be called included.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>
    /// A coarse clock in units of <see cref="Tick"/> from an arbitrary start; it never goes back. It moves with the ticks that
    /// are run, at the price of two plain reads, and in between those it is brought up to real time by who reads it, at the price
    /// of reading the real clock: cheap enough to note when a connection was last heard from. It does not count time forgiven
    /// after an overrun, so an age never charges a client for a pause of the server; nor does it go on while a callback runs.
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

    /// <summary>
    /// Schedules the node, or moves it when it is scheduled already. It never fires before <paramref name="dueIn"/> has
    /// passed, and at most one tick after, plus what the machine is late. Zero or less means the next tick; there is no
    /// upper limit. After <see cref="Dispose"/> this does nothing: connections that outlive the listener by a moment
    /// are part of any shutdown, and their deadlines no longer matter.
    /// </summary>
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
    /// As <see cref="Schedule"/>, for who counts in ticks: due when <see cref="CurrentTick"/> has come to
    /// <paramref name="tick"/>, at the next tick if it has already. In a callback it does not read the real clock.
    /// </summary>
    public void ScheduleAt(TimerNode node, long tick)
    {
        ArgumentNullException.ThrowIfNull(node);
        _ = CurrentTick; // a wheel that sleeps or has stopped is brought up to real time by this
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

    /// <summary>
    /// Takes the node out. True: it was scheduled and will not fire. False: it was not scheduled, because it never was,
    /// has fired, or is firing just now.
    /// </summary>
    public bool Cancel(TimerNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        lock (_gate)
        {
            return TryTakeOutInsideLock(node);
        }
    }

    /// <summary>
    /// Stops the wheel for good. Nodes still scheduled are let go (<see cref="TimerNode.IsScheduled"/> turns false) and
    /// never fire. Does not wait for a callback in flight, so a callback may call it.
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

    // True: the timer has to be armed, or for sooner than it is.
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
