using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Weir.Buffers;

namespace Weir.Transports.Epoll;

/// <summary>An object that a loop calls, with its name for the log.</summary>
internal interface ICallTarget
{
    string Name { get; }
}

/// <summary>An object whose socket a loop watches.</summary>
internal interface IEventTarget : ICallTarget
{
    /// <summary>
    /// Events are about to be delivered: prefetches what they will access (<see cref="Prefetch"/>), one object further with each step.
    /// </summary>
    /// <param name="callsBefore">The number of calls to others before its own: 2, then 1.</param>
    void FetchAhead(int callsBefore)
    {
    }

    /// <summary>Events have occurred. On the loop's thread.</summary>
    void OnEvents(uint mask, LoopThread thread);
}

/// <summary>
/// One epoll instance with the sockets it watches and the work that was posted to it. Served by one thread at a time, see
/// <see cref="LoopThread"/>; members that are not marked as thread-safe are for that thread.
/// </summary>
/// <remarks>
/// Hand-off. The thread that serves the loop marks the start of each callback. If a callback does not return in time
/// (<see cref="TakeOverIfStuck"/>), a fresh thread continues in its place: with the unprocessed events of the same batch, since
/// an edge-triggered event occurs only once. The old thread detects it when its callback returns, and ends.
/// </remarks>
internal sealed unsafe class EpollLoop
{
    private const int BatchSize = 512;
    private const long WakeData = -1;

    private readonly int _epoll;
    private readonly int _wake;
    private readonly EpollEvents _events = new(BatchSize);
    private readonly object _postGate = new();
    private IEventTarget?[] _targets = new IEventTarget?[64];
    private int[] _generations = new int[64];
    private readonly Stack<int> _freeSlots = new();
    private int _usedSlots;
    private Queue<IThreadPoolWorkItem> _posted = new();
    private Queue<IThreadPoolWorkItem> _working = new();
    private readonly List<LoopTimer> _timers = [];
    private bool _wakeIsDue;
    private LoopThread? _server;
    private int _eventCount;
    private int _nextEvent;
    private volatile bool _isStopping;
    private bool _isOpen = true;

    // The number of the callback in progress, 0 for none. The thread that set it resets it when the callback returns; the
    // watchdog resets it when the callback does not. The thread that succeeds owns the loop.
    private long _callUnderWay;
    private long _lastCall;
    private ICallTarget? _called;
    private long _callSeen;
    private long _seenSince;

    public EpollLoop(int index, EpollTransport transport)
    {
        Index = index;
        Transport = transport;
        _epoll = Check(Libc.EpollCreate(Libc.SockCloseOnExec), "epoll_create1");
        _wake = Check(Libc.EventFd(0, Libc.SockNonblock | Libc.SockCloseOnExec), "eventfd");
        Control(Libc.EpollAdd, _wake, Libc.EpollIn | Libc.EpollEdge, WakeData);
    }

    public int Index { get; }

    public EpollTransport Transport { get; }

    /// <summary>Starts a thread that serves it.</summary>
    public void Start()
    {
        LoopThread thread = new(this);
        lock (_postGate)
        {
            _server = thread;
        }

        thread.Start();
    }

    /// <summary>Queues an item for execution on the loop's thread, after the current events. Thread-safe.</summary>
    public void Post(IThreadPoolWorkItem item)
    {
        bool wake;
        lock (_postGate)
        {
            _posted.Enqueue(item);
            wake = !_wakeIsDue && LoopThread.Current != _server;
            _wakeIsDue |= wake;
        }

        if (wake)
        {
            Wake();
        }
    }

    /// <summary>Ends the loop after its current work and items posted before. Its sockets are not closed. Thread-safe.</summary>
    public void Stop()
    {
        _isStopping = true;
        Wake();
    }

    /// <summary>Watches a socket; returns its slot, to be released later.</summary>
    public int Watch(int descriptor, uint interest, IEventTarget target)
    {
        if (!_freeSlots.TryPop(out int slot))
        {
            slot = _usedSlots++;
            if (slot == _targets.Length)
            {
                Array.Resize(ref _targets, slot * 2);
                Array.Resize(ref _generations, slot * 2);
            }
        }

        _targets[slot] = target;
        Control(Libc.EpollAdd, descriptor, interest, ((long)_generations[slot] << 32) | (uint)slot);
        return slot;
    }

    /// <summary>Executes the timer when it is due, or has been stopped.</summary>
    public void Watch(LoopTimer timer)
    {
        if (!_timers.Contains(timer))
        {
            _timers.Add(timer);
        }
    }

    /// <summary>Releases the slot of a socket that is about to be closed; its events that are still in the batch are ignored.</summary>
    public void Forget(int slot)
    {
        _targets[slot] = null;
        _generations[slot] = (_generations[slot] + 1) & int.MaxValue;
        _freeSlots.Push(slot);
    }

    /// <summary>Stops watching a socket that stays open.</summary>
    public void Unwatch(int descriptor, int slot)
    {
        Control(Libc.EpollDelete, descriptor, 0, 0);
        Forget(slot);
    }

    /// <summary>Serves the loop until it stops or is taken over. For <see cref="LoopThread"/>.</summary>
    public void Serve(LoopThread thread)
    {
        while (true)
        {
            while (_nextEvent < _eventCount)
            {
                int i = _nextEvent++;
                FetchAhead(i);
                long data = _events.DataAt(i);
                if (data == WakeData)
                {
                    ClearWake();
                }
                else if (TargetOf(data) is { } target && !Call(thread, target, _events.MaskAt(i)))
                {
                    return;
                }
            }

            if (!FireTimers(thread) || !Work(thread))
            {
                return;
            }

            Wait();
        }
    }

    /// <summary>
    /// For the watchdog, which calls it at a steady pace: if the same callback was in progress at the last call too, starts a
    /// new thread in place of the one that is stuck in it.
    /// </summary>
    public void TakeOverIfStuck(TimeSpan allowed)
    {
        long call = Volatile.Read(ref _callUnderWay);
        if (call == 0 || call != _callSeen)
        {
            _callSeen = call;
            _seenSince = Stopwatch.GetTimestamp();
            return;
        }

        TimeSpan elapsed = Stopwatch.GetElapsedTime(_seenSince);
        string name = _called?.Name ?? "?";
        if (elapsed >= allowed && Interlocked.CompareExchange(ref _callUnderWay, 0, call) == call)
        {
            Transport.OnHandOff();
            TransportLog.LoopHandedOff(Transport.Logger, name, Index, elapsed);
            Start();
        }
    }

    // Returns true if the thread still owns the loop. If not, it must not access the loop any more.
    private bool Call(LoopThread thread, IEventTarget target, uint mask)
    {
        long call = BeginCall(target);
        try
        {
            target.OnEvents(mask, thread);
        }
        catch (Exception error)
        {
            TransportLog.LoopCallbackFailed(Transport.Logger, error, Index);
        }

        thread.RestoreContext();
        return EndCall(call);
    }

    // Items that they post, which is most of their work, are executed before the loop waits again.
    private bool FireTimers(LoopThread thread)
    {
        for (int i = _timers.Count - 1; i >= 0; i--)
        {
            LoopTimer timer = _timers[i];
            if (timer.MillisecondsLeft is > 0)
            {
                continue;
            }

            _timers.RemoveAt(i);
            if (!Run(thread, timer))
            {
                return false;
            }
        }

        return true;
    }

    private bool Work(LoopThread thread)
    {
        if (_working.Count == 0)
        {
            lock (_postGate)
            {
                (_working, _posted) = (_posted, _working);
            }
        }

        while (_working.TryDequeue(out IThreadPoolWorkItem? item))
        {
            if (!Run(thread, item))
            {
                return false;
            }
        }

        return !_isStopping || !TryClose();
    }

    // As Call, for a work item.
    private bool Run(LoopThread thread, IThreadPoolWorkItem item)
    {
        long call = BeginCall(item as ICallTarget);
        try
        {
            item.Execute();
        }
        catch (Exception error)
        {
            TransportLog.LoopCallbackFailed(Transport.Logger, error, Index);
        }

        thread.RestoreContext();
        return EndCall(call);
    }

    private long BeginCall(ICallTarget? target)
    {
        _called = target;
        long call = ++_lastCall;
        Volatile.Write(ref _callUnderWay, call);
        return call;
    }

    private bool EndCall(long call) => Interlocked.CompareExchange(ref _callUnderWay, 0, call) == call;

    private void Wait()
    {
        bool hasWork;
        lock (_postGate)
        {
            hasWork = _posted.Count > 0;
        }

        int count = _events.Wait(_epoll, hasWork || _isStopping ? 0 : MillisecondsToNextTimer());
        if (count < 0 && Marshal.GetLastPInvokeError() is var errno && errno != Libc.Errno.Interrupted)
        {
            throw new Win32Exception(errno, $"epoll_wait failed with errno {errno}.");
        }

        _nextEvent = 0;
        _eventCount = Math.Max(count, 0);
    }

    // As epoll_wait expects it: -1 is indefinitely.
    private int MillisecondsToNextTimer()
    {
        long next = int.MaxValue;
        foreach (LoopTimer timer in _timers)
        {
            next = Math.Min(next, timer.MillisecondsLeft ?? 0);
        }

        return _timers.Count == 0 ? -1 : (int)next;
    }

    // Returns false if an item was posted meanwhile, such as the closing of a connection, whose descriptor would be left open.
    private bool TryClose()
    {
        lock (_postGate)
        {
            if (_posted.Count > 0)
            {
                return false;
            }

            if (_isOpen)
            {
                _isOpen = false;
                _ = Libc.Close(_epoll);
                _ = Libc.Close(_wake);
            }

            return true;
        }
    }

    // The targets of events are scattered in memory. During one call the next three are prefetched.
    private void FetchAhead(int i)
    {
        if (i + 3 < _eventCount)
        {
            Prefetch.Instance(TargetAt(i + 3));
            TargetAt(i + 2)?.FetchAhead(callsBefore: 2);
            TargetAt(i + 1)?.FetchAhead(callsBefore: 1);
        }
    }

    private IEventTarget? TargetAt(int i) => _events.DataAt(i) is var data && data != WakeData ? TargetOf(data) : null;

    private IEventTarget? TargetOf(long data)
    {
        int slot = (int)(uint)data;
        return _generations[slot] == (int)(data >> 32) ? _targets[slot] : null;
    }

    private void Wake()
    {
        ulong one = 1;
        lock (_postGate)
        {
            if (_isOpen)
            {
                _ = Libc.Write(_wake, &one, sizeof(ulong)); // fails only when it is due to wake anyway
            }
        }
    }

    // The counter keeps its value: every write is an edge of its own.
    private void ClearWake()
    {
        lock (_postGate)
        {
            _wakeIsDue = false;
        }
    }

    private void Control(int operation, int descriptor, uint interest, long data)
    {
        byte* argument = stackalloc byte[16];
        EpollEvents.Write(argument, interest, data);
        Check(Libc.EpollControl(_epoll, operation, descriptor, argument), "epoll_ctl");
    }

    private static int Check(int result, string call)
    {
        if (result < 0)
        {
            int errno = Marshal.GetLastPInvokeError();
            throw new Win32Exception(errno, $"{call} failed with errno {errno}.");
        }

        return result;
    }
}
