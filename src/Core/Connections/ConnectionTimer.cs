using System.Diagnostics;
using Microsoft.AspNetCore.Connections;
using Weir.Buffers;
using Weir.Closing;
using Weir.Diagnostics;
using Weir.Http;
using Weir.Threading;
using Weir.Timing;
using Weir.Transports;

namespace Weir.Connections;

/// <summary>
/// The only timer of a connection. It is set to the handshake first, then to the earliest of heartbeat, message delay limit and
/// planned close, and at the end to the close timeout. An idle connection wakes it once per heartbeat.
/// </summary>
/// <remarks>
/// <para>All times are ticks of the listener's wheel, so a process pause does not count towards client timeouts. Only ends by the
/// wall clock (<see cref="CloseAt"/>) are in the engine's <see cref="Calendar"/>.</para>
/// <para>A passed deadline of the client does not take effect immediately: data that has arrived is read first. Bytes in the socket
/// count as activity (<see cref="SocketState.HasUnreadInput"/>); bytes that the process has received already are behind the work
/// items that this timer queues behind (<see cref="TurnsBeforeExpiry"/>).</para>
/// <para>The time of the last received data is recorded without a lock; everything else changes under a lock,
/// because the wheel's thread and the thread that closes the connection meet here. The wheel and the calendar call without holding
/// a lock of their own.</para>
/// </remarks>
internal sealed class ConnectionTimer(TimerWheel wheel, ConnectionContext transport, WeirEngine engine) : TimerNode, IThreadPoolWorkItem
{
    // More than the queues that received bytes pass before the reader: the socket's event, its receive, the transport's pipe, TLS,
    // HTTP/2's frames and a stream's pipe.
    private const int TurnsBeforeExpiry = 8;

    // No data was waiting for the peer at the last check.
    private const long NothingWaited = -1;

    private WeirConnection? _connection;
    private HeartbeatTicks? _heartbeat;
    private long _lastReceived;
    private long _nextPing;
    private long _delayCheck;
    private volatile PlannedClose? _plannedClose;

    // While the connection is closing, or not open yet: the tick at which it is aborted. Before and while it is open: the timestamp of
    // its opening. One field, because an idle connection would carry both.
    private long _deadline;

    // The peer's progress in taking sent data, at the last check.
    private long _taken = NothingWaited;
    private TimeSpan _timeout;
    private Stage _stage;
    private byte _turns;
    private LightLock _gate;

    private enum Stage : byte
    {
        Idle,
        Handshake,
        Open,
        Closing,
        Retired,
    }

    /// <summary>Gets the current time, in ticks.</summary>
    public long CurrentTick => wheel.CurrentTick;

    /// <summary>Gets the timestamp of <see cref="OnOpened"/>, until the first <see cref="StartClose"/>.</summary>
    public long Opened => _deadline;

    /// <summary>Records that the connection is open. Before any other thread can close it.</summary>
    public void OnOpened()
    {
        Debug.Assert(_stage == Stage.Idle, "The handshake's deadline has been stopped");
        _deadline = engine.Time.GetTimestamp();
    }

    /// <summary>Aborts the connection unless <see cref="Stop"/> or another stage follows in time.</summary>
    public void StartHandshake(TimeSpan timeout) => StartDeadline(Stage.Handshake, timeout);

    /// <inheritdoc cref="StartHandshake"/>
    public void StartClose(TimeSpan timeout) => StartDeadline(Stage.Closing, timeout);

    /// <summary>The connection is open: from now on it is pinged, and closed on a heartbeat timeout.</summary>
    public void StartHeartbeat(WeirConnection connection, HeartbeatTicks? heartbeat)
    {
        using (_gate.Hold(this))
        {
            _connection = connection;
            if (_stage is Stage.Closing or Stage.Retired)
            {
                return; // closed while it was being opened
            }

            _heartbeat = heartbeat;
            _stage = Stage.Open;
            _lastReceived = wheel.CurrentTick;
            _nextPing = heartbeat is null ? long.MaxValue : heartbeat.FirstPing(_lastReceived);
            _delayCheck = long.MaxValue;
            ArmInsideLock();
        }
    }

    /// <summary>Records that data arrived from the peer. Takes no lock and does not touch the timer.</summary>
    public void OnDataReceived()
    {
        if (_heartbeat is not null)
        {
            Volatile.Write(ref _lastReceived, wheel.CurrentTick);
        }
    }

    /// <summary>Messages have begun to wait: checks their delay after this many ticks.</summary>
    public void CheckDelayIn(long ticks)
    {
        using (_gate.Hold(this))
        {
            if (_stage == Stage.Open)
            {
                _delayCheck = wheel.CurrentTick + ticks;
                ArmInsideLock();
            }
        }
    }

    /// <summary>
    /// Closes the connection when the wall clock has passed <paramref name="end"/>; <c>null</c> cancels the plan.
    /// </summary>
    public void CloseAt(DateTimeOffset? end, in WeirClosure closure)
        => Plan(end is null ? null : new PlannedClose(this, closure), end);

    /// <summary>
    /// Closes the connection after this much wheel time, at most two ticks later, unless another plan replaces this one.
    /// </summary>
    public void CloseUnlessReplanned(TimeSpan timeout, in WeirClosure closure)
        // The current tick began before now: one more tick, so that the close is never too early.
        => Plan(new PlannedClose(this, closure) { Tick = wheel.CurrentTick + 1 + TimerWheel.TicksOf(timeout, wheel.Tick) }, end: null);

    /// <summary>Closes the connection if its planned time has passed, ahead of the calendar.</summary>
    public void CloseIfOverdue()
    {
        if (_plannedClose is { } planned && planned.IsDueAt(engine.Time.GetUtcNow()))
        {
            CloseAsPlanned(planned);
        }
    }

    /// <summary>Cancels the timer until another stage is started.</summary>
    public void Stop() => End(Stage.Idle);

    /// <summary>
    /// Stops the timer permanently. The end of a connection may overtake a call that closes it: a deadline started then must not
    /// abort a transport that has been reused by the time it is due.
    /// </summary>
    public void Retire() => End(Stage.Retired);

    /// <summary>
    /// Runs on the wheel's thread. If the connection has an event loop, the work is posted to it: a Ping is answered immediately,
    /// and the answers would alternate with the Pings on the processor, at two thread switches each.
    /// </summary>
    protected internal override void OnExpired()
    {
        if (transport.Features.Get<ILoopThreadFeature>() is { RunInline: true, IsCurrent: false } thread)
        {
            thread.Post(this);
        }
        else
        {
            Act();
        }
    }

    // Behind all work queued now, where the transport and the layers between it and the connection would queue theirs.
    private void ActAgain()
    {
        if (transport.Features.Get<ILoopThreadFeature>() is { RunInline: true } thread)
        {
            thread.Post(this);
        }
        else
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    /// <summary>
    /// A Ping touches the connection, the socket, the sender and its output, each referenced by the previous one.
    /// </summary>
    protected internal override void FetchAhead(int callsBefore)
    {
        switch (callsBefore)
        {
            case 3:
                Prefetch.Instance(transport);
                Prefetch.Instance(_connection);
                break;
            case 2 or 1:
                _connection?.FetchAhead(callsBefore);
                break;
        }
    }

    void IThreadPoolWorkItem.Execute() => Act();

    private void Act()
    {
        bool hasTimedOut = false;
        bool isPingDue = false;
        bool isDelayDue = false;
        bool isExpiring = false;
        PlannedClose? close = null;
        Stage stage;
        using (_gate.Hold(this))
        {
            stage = _stage;
            long now = wheel.CurrentTick;
            switch (stage)
            {
                case Stage.Idle or Stage.Retired:
                case Stage.Handshake or Stage.Closing when now < _deadline:
                    _turns = 0;
                    return; // rescheduled while this call was queued
                case Stage.Handshake or Stage.Closing:
                    isExpiring = true;
                    break;
                case Stage.Open:
                    isDelayDue = now >= _delayCheck;
                    isPingDue = now >= _nextPing;
                    hasTimedOut = HasTimedOutInsideLock(now, isPingDue);
                    isExpiring = hasTimedOut || isDelayDue;
                    break;
            }

            // Data that came in time may still be in the process's queues.
            isExpiring &= _turns < TurnsBeforeExpiry && HasSocket;
            _turns = (byte)(isExpiring ? _turns + 1 : 0);
            if (!isExpiring && stage == Stage.Open)
            {
                _nextPing = isPingDue ? _heartbeat!.NextPing(now) : _nextPing;
                _delayCheck = isDelayDue ? long.MaxValue : _delayCheck;
                if (_plannedClose is { } planned && now >= planned.Tick)
                {
                    close = planned;
                }

                if (!hasTimedOut)
                {
                    ArmInsideLock(butFor: close);
                }
            }
        }

        if (isExpiring)
        {
            ActAgain();
        }
        else if (stage != Stage.Open)
        {
            Expire(stage);
        }
        else if (hasTimedOut)
        {
            _connection!.OnHeartbeatTimeout();
        }
        else if (close is not null)
        {
            CloseAsPlanned(close);
        }
        else
        {
            if (isDelayDue)
            {
                _connection!.OnDelayDue();
            }

            if (isPingDue)
            {
                _connection!.Ping();
            }
        }
    }

    // Whether there is a buffer between the peer and the connection where data could wait.
    private bool HasSocket => transport is UpgradedConnection
        || transport.Features.Get<ILoopThreadFeature>() is not null
        || SocketState.IsKnownOf(transport);

    // Whether no data has moved in either direction for interval and timeout. Records the peer's progress each time a Ping is due,
    // as the basis of the next comparison.
    private bool HasTimedOutInsideLock(long now, bool isPingDue)
    {
        if (_heartbeat is not { } heartbeat)
        {
            return false;
        }

        if (_connection!.IsInHandler)
        {
            OnDataReceived(); // the connection is not reading, so the idle time does not count
        }

        bool isIdle = now >= Volatile.Read(ref _lastReceived) + heartbeat.Silence;
        if (isIdle || isPingDue)
        {
            NoteTaken();
            isIdle = now >= Volatile.Read(ref _lastReceived) + heartbeat.Silence;
        }

        // If the peer does not take its answers, its input is left unread on purpose and does not count as activity.
        if (isIdle && !_connection.WaitsForPeer && SocketState.HasUnreadInput(transport))
        {
            OnDataReceived(); // data has arrived, and the reader is behind
            isIdle = false;
        }

        return isIdle;
    }

    // A peer that keeps taking data that was waiting for it is alive: a Ping is queued behind that data, and so is its answer. Data
    // taken without having waited proves no activity: the peer's kernel takes it, and the Ping, even if the client is dead.
    private void NoteTaken()
    {
        (long taken, bool waits) = SocketState.Output(transport);
        taken += _connection!.Flushes;
        if (_taken == NothingWaited ? waits : taken > _taken)
        {
            OnDataReceived(); // also when the socket is first found full: the time of the last progress is unknown
        }

        waits |= _connection.HasOutputWaiting;

        _taken = waits ? taken : NothingWaited;
    }

    private void Plan(PlannedClose? planned, DateTimeOffset? end)
    {
        using (_gate.Hold(this))
        {
            if (_stage != Stage.Open)
            {
                return;
            }

            DropPlanInsideLock();
            _plannedClose = planned;
            if (end is { } time)
            {
                engine.Calendar.Schedule(planned!, time);
            }

            ArmInsideLock();
        }
    }

    private void DropPlanInsideLock()
    {
        if (_plannedClose is { } former)
        {
            _plannedClose = null;
            engine.Calendar.Cancel(former);
        }
    }

    private void CloseAsPlanned(PlannedClose planned)
    {
        using (_gate.Hold(this))
        {
            if (_stage != Stage.Open || _plannedClose != planned)
            {
                return; // replaced by another plan
            }

            DropPlanInsideLock();
        }

        _connection!.BeginClose(planned.Closure);
    }

    private void Expire(Stage stage)
    {
        if (stage == Stage.Handshake)
        {
            WeirLog.HandshakeTimedOut(engine.Logger, transport.ConnectionId, _timeout);
            engine.Metrics.Refused(statusCode: 0, "handshake_timeout");
        }
        else
        {
            WeirLog.CloseTimedOut(engine.Logger, transport.ConnectionId, _timeout);
            _connection?.OnCloseTimeout();
        }

        transport.Abort(new ConnectionAbortedException(stage == Stage.Handshake
            ? "The WebSocket handshake took too long."
            : "The WebSocket closing handshake took too long."));
    }

    private void End(Stage stage)
    {
        using (_gate.Hold(this))
        {
            _stage = stage;
            _turns = 0;
            DropPlanInsideLock();
            wheel.Cancel(this);
        }
    }

    private void StartDeadline(Stage stage, TimeSpan timeout)
    {
        using (_gate.Hold(this))
        {
            if (_stage == Stage.Retired)
            {
                return;
            }

            _stage = stage;
            _turns = 0;
            DropPlanInsideLock();
            _timeout = timeout;
            _deadline = wheel.CurrentTick + TimerWheel.TicksOf(timeout, wheel.Tick);
            wheel.Schedule(this, timeout);
        }
    }

    private void ArmInsideLock(PlannedClose? butFor = null)
    {
        long planned = _plannedClose is { } plan && plan != butFor ? plan.Tick : long.MaxValue;
        long due = Math.Min(_nextPing, Math.Min(_delayCheck, planned));
        if (_heartbeat is { } heartbeat)
        {
            due = Math.Min(due, Volatile.Read(ref _lastReceived) + heartbeat.Silence);
        }

        if (due == long.MaxValue)
        {
            wheel.Cancel(this);
        }
        else
        {
            wheel.ScheduleAt(this, due);
        }
    }

    /// <summary>
    /// Time and closure of a planned close: by the wall clock, as an entry of the calendar, or at a tick of the wheel. An
    /// object, so that connections without a plan carry one word.
    /// </summary>
    private sealed class PlannedClose(ConnectionTimer timer, WeirClosure closure) : CalendarEntry
    {
        public WeirClosure Closure => closure;

        public long Tick { get; init; } = long.MaxValue;

        protected internal override void OnDue() => timer.CloseAsPlanned(this);
    }
}
