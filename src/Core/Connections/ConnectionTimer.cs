using Microsoft.AspNetCore.Connections;
using Weir.Buffers;
using Weir.Diagnostics;
using Weir.Http;
using Weir.Timing;

namespace Weir.Connections;

/// <summary>
/// The one timer a connection has. It stands on the handshake first, then on whatever comes next of the heartbeat, the
/// longest wait of a message and the time the connection may last, and at the end on the close. A quiet connection wakes it once per heartbeat.
/// </summary>
/// <remarks>
/// <para>All times are ticks of the listener's wheel, so a pause of the server is charged to no client. Only what ends by the wall
/// clock (<see cref="CloseAt"/>) is in the engine's <see cref="Calendar"/>.</para>
/// <para>A deadline of the client that has passed is not judged at once: what has arrived is read first. Bytes in the socket are
/// life (<see cref="SocketState.HasUnreadInput"/>); those that the process has received already are behind the work items that
/// this timer queues behind (<see cref="TurnsBeforeVerdict"/>).</para>
/// <para>What was heard is noted without a lock; everything else changes under the node's own monitor, because the wheel's thread
/// and whoever closes the connection meet here. The wheel and the calendar call with no lock of their own held.</para>
/// </remarks>
internal sealed class ConnectionTimer(TimerWheel wheel, ConnectionContext transport, WeirEngine engine) : TimerNode, IThreadPoolWorkItem
{
    // More than the queues that received bytes pass on their way to the reader: the socket's event, its receive, the transport's
    // pipe, TLS, HTTP/2's frames and a stream's pipe.
    private const int TurnsBeforeVerdict = 8;

    // Further away than any process runs, and near enough to be added to the current tick.
    private const long MaxTicks = long.MaxValue / 4;

    // Nothing waited for the peer at the last look.
    private const long NothingWaited = -1;

    private WeirConnection? _connection;
    private HeartbeatTicks? _heartbeat;
    private long _lastHeard;
    private long _nextPing;
    private long _delayCheck;
    private volatile PlannedClose? _plannedClose;
    private long _deadline;

    // How far the peer had got in taking what was sent, at the last look.
    private long _taken = NothingWaited;
    private TimeSpan _timeout;
    private Stage _stage;
    private byte _turns;

    private enum Stage : byte
    {
        Idle,
        Handshake,
        Open,
        Closing,
        Retired,
    }

    /// <summary>Now, in ticks.</summary>
    public long CurrentTick => wheel.CurrentTick;

    /// <summary>The connection is aborted unless <see cref="Stop"/> or another stage comes in time.</summary>
    public void StartHandshake(TimeSpan timeout) => StartDeadline(Stage.Handshake, timeout);

    /// <inheritdoc cref="StartHandshake"/>
    public void StartClose(TimeSpan timeout) => StartDeadline(Stage.Closing, timeout);

    /// <summary>The connection is open: from here on it is pinged, and cut when it falls silent.</summary>
    public void StartHeartbeat(WeirConnection connection, HeartbeatTicks? heartbeat)
    {
        lock (this)
        {
            if (_stage is Stage.Closing or Stage.Retired)
            {
                return; // closed before it was quite open
            }

            _connection = connection;
            _heartbeat = heartbeat;
            _stage = Stage.Open;
            _lastHeard = wheel.CurrentTick;
            _nextPing = heartbeat is null ? long.MaxValue : heartbeat.FirstPing(_lastHeard);
            _delayCheck = long.MaxValue;
            ArmInsideLock();
        }
    }

    /// <summary>Something came from the peer. No lock, no timer is touched.</summary>
    public void NoteHeard()
    {
        if (_heartbeat is not null)
        {
            Volatile.Write(ref _lastHeard, wheel.CurrentTick);
        }
    }

    /// <summary>Messages have begun to wait: their delay is looked at after this many ticks.</summary>
    public void CheckDelayIn(long ticks)
    {
        lock (this)
        {
            if (_stage == Stage.Open)
            {
                _delayCheck = wheel.CurrentTick + ticks;
                ArmInsideLock();
            }
        }
    }

    /// <summary>The connection is closed when the wall clock has passed <paramref name="end"/>; <c>null</c>: it is not.</summary>
    public void CloseAt(DateTimeOffset? end, CloseCode code, string reason)
        => Plan(end is null ? null : new PlannedClose(this, code, reason), end);

    /// <summary>The connection is closed after so much wheel time, at most two ticks later, unless another plan takes its place.</summary>
    public void CloseUnlessReplanned(TimeSpan patience, CloseCode code, string reason)
        // The tick that runs has begun before now: one more, so that it is never too early.
        => Plan(new PlannedClose(this, code, reason) { Tick = wheel.CurrentTick + 1 + TicksOf(patience, wheel.Tick) }, end: null);

    /// <summary>Closes the connection if the time of its plan has passed, which the calendar is about to do.</summary>
    public void CloseIfOverdue()
    {
        if (_plannedClose is { } planned && planned.IsDueAt(engine.Time.GetUtcNow()))
        {
            CloseAsPlanned(planned);
        }
    }

    /// <summary>Stands on nothing, until something is started.</summary>
    public void Stop() => End(Stage.Idle);

    /// <summary>
    /// Stops the timer for good. Whoever closes a connection may be overtaken by its end: what it starts then must not
    /// abort a transport that is somebody else's by the time it is due.
    /// </summary>
    public void Retire() => End(Stage.Retired);

    /// <summary>
    /// On the wheel's thread. Where the connection has another of its own it goes on there: a Ping is answered at once, and
    /// the answers would take turns with the Pings on the processor, at two switches of threads each.
    /// </summary>
    protected internal override void OnExpired()
    {
        if (transport is ILoopThreadFeature { RunsOnLoop: true, IsCurrent: false } thread)
        {
            thread.Post(this);
        }
        else
        {
            Act();
        }
    }

    // Behind all work that waits now, where a transport and what is between it and the connection would do theirs.
    private void ActAgain()
    {
        if (transport is ILoopThreadFeature { RunsOnLoop: true } thread)
        {
            thread.Post(this);
        }
        else
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    /// <summary>A Ping touches the connection, the socket, the sender and its way out, each known by the one before.</summary>
    protected internal override void FetchAhead(int callsBefore)
    {
        switch (callsBefore)
        {
            case 3:
                Prefetch.Object(transport);
                Prefetch.Object(_connection);
                break;
            case 2:
                _connection?.PrefetchSender();
                break;
            case 1:
                _connection?.PrefetchOutput();
                break;
        }
    }

    void IThreadPoolWorkItem.Execute() => Act();

    private void Act()
    {
        bool isDead = false;
        bool isPingDue = false;
        bool isDelayDue = false;
        bool isVerdict = false;
        PlannedClose? close = null;
        Stage stage;
        lock (this)
        {
            stage = _stage;
            long now = wheel.CurrentTick;
            switch (stage)
            {
                case Stage.Idle or Stage.Retired:
                case Stage.Handshake or Stage.Closing when now < _deadline:
                    _turns = 0;
                    return; // moved while this call was on its way
                case Stage.Handshake or Stage.Closing:
                    isVerdict = true;
                    break;
                case Stage.Open:
                    isDelayDue = now >= _delayCheck;
                    isPingDue = now >= _nextPing;
                    isDead = IsSilentInsideLock(now, isPingDue);
                    isVerdict = isDead || isDelayDue;
                    break;
            }

            // Data that came in time may be on its way through the process still.
            isVerdict &= _turns < TurnsBeforeVerdict && HasSocket;
            _turns = (byte)(isVerdict ? _turns + 1 : 0);
            if (!isVerdict && stage == Stage.Open)
            {
                _nextPing = isPingDue ? _heartbeat!.NextPing(now) : _nextPing;
                _delayCheck = isDelayDue ? long.MaxValue : _delayCheck;
                if (_plannedClose is { } planned && now >= planned.Tick)
                {
                    close = planned;
                }

                if (!isDead)
                {
                    ArmInsideLock(butFor: close);
                }
            }
        }

        if (isVerdict)
        {
            ActAgain();
        }
        else if (stage != Stage.Open)
        {
            Expire(stage);
        }
        else if (isDead)
        {
            _connection!.OnSilent();
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

    // Whether there is anything between the peer and the connection where data could wait.
    private bool HasSocket => transport is ILoopThreadFeature or UpgradedConnection || SocketState.IsKnownOf(transport);

    // Whether neither direction has moved for interval and time-out. Looks at what the peer has taken each time that a Ping is due,
    // so that there is something to compare with.
    private bool IsSilentInsideLock(long now, bool isPingDue)
    {
        if (_heartbeat is not { } heartbeat)
        {
            return false;
        }

        if (_connection!.IsInHandler)
        {
            NoteHeard(); // we are not listening, so silence says nothing
        }

        bool isSilent = now >= Volatile.Read(ref _lastHeard) + heartbeat.Silence;
        if (isSilent || isPingDue)
        {
            NoteTaken();
            isSilent = now >= Volatile.Read(ref _lastHeard) + heartbeat.Silence;
        }

        // Where the peer does not take its answers its questions are left unread on purpose, which is no life.
        if (isSilent && !_connection.WaitsForPeer && SocketState.HasUnreadInput(transport))
        {
            NoteHeard(); // it has spoken, and we are behind
            isSilent = false;
        }

        return isSilent;
    }

    // A peer that goes on taking what waited for it before is alive: a Ping is behind that, and so is its answer. What is taken
    // without having had to wait is none: the peer's kernel would take it, and the Ping, whether the client is alive or not.
    private void NoteTaken()
    {
        (long taken, bool waits) = SocketState.Output(transport);
        taken += _connection!.Flushes;
        if (_taken == NothingWaited ? waits : taken > _taken)
        {
            NoteHeard(); // also when the socket is found full for the first time: when it was last taken from is not known then
        }

        waits |= _connection.HasOutputWaiting;

        _taken = waits ? taken : NothingWaited;
    }

    private void Plan(PlannedClose? planned, DateTimeOffset? end)
    {
        lock (this)
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
        lock (this)
        {
            if (_stage != Stage.Open || _plannedClose != planned)
            {
                return; // another plan has taken its place
            }

            DropPlanInsideLock();
        }

        _connection!.Close(planned.Code, planned.Reason);
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
        }

        transport.Abort(new ConnectionAbortedException(stage == Stage.Handshake
            ? "The WebSocket handshake took too long."
            : "The WebSocket closing handshake took too long."));
    }

    private void End(Stage stage)
    {
        lock (this)
        {
            _stage = stage;
            _turns = 0;
            DropPlanInsideLock();
            wheel.Cancel(this);
        }
    }

    private void StartDeadline(Stage stage, TimeSpan timeout)
    {
        lock (this)
        {
            if (_stage == Stage.Retired)
            {
                return;
            }

            _stage = stage;
            _turns = 0;
            DropPlanInsideLock();
            _timeout = timeout;
            _deadline = wheel.CurrentTick + TicksOf(timeout, wheel.Tick);
            wheel.Schedule(this, timeout);
        }
    }

    private void ArmInsideLock(PlannedClose? butFor = null)
    {
        long planned = _plannedClose is { } plan && plan != butFor ? plan.Tick : long.MaxValue;
        long due = Math.Min(_nextPing, Math.Min(_delayCheck, planned));
        if (_heartbeat is { } heartbeat)
        {
            due = Math.Min(due, Volatile.Read(ref _lastHeard) + heartbeat.Silence);
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
    /// A time in ticks, rounded up; of any length: what is beyond <see cref="MaxTicks"/> is as good as for ever, and can be added to
    /// the current tick and to another such time.
    /// </summary>
    public static long TicksOf(TimeSpan time, TimeSpan tick) => Math.Min(MaxTicks, (time.Ticks / tick.Ticks) + (time.Ticks % tick.Ticks > 0 ? 1 : 0));

    /// <summary>
    /// When and how the connection is to be closed: by the clock, as an entry of the calendar, or at a tick of the wheel. An object,
    /// so that connections without a plan carry one word.
    /// </summary>
    private sealed class PlannedClose(ConnectionTimer timer, CloseCode code, string reason) : CalendarEntry
    {
        public CloseCode Code => code;

        public string Reason => reason;

        public long Tick { get; init; } = long.MaxValue;

        protected internal override void OnDue() => timer.CloseAsPlanned(this);
    }
}
