using Microsoft.AspNetCore.Connections;
using Weir.Buffers;
using Weir.Diagnostics;
using Weir.Timing;

namespace Weir.Connections;

/// <summary>
/// The one timer a connection has. It stands on the handshake first, then on whatever comes next of the heartbeat, the
/// longest wait of a message and the time the connection may last, and at the end on the close. A quiet connection wakes it once per heartbeat.
/// </summary>
/// <remarks>
/// All times are ticks of the listener's wheel, so a pause of the server is charged to nobody; nor is a backlog, where the
/// transport can tell that something has come which nobody has read yet. What was heard is noted
/// without a lock; everything else changes under the node's own monitor, because the wheel's thread and whoever closes
/// the connection meet here. The wheel calls with no lock of its own held.
/// </remarks>
internal sealed class ConnectionTimer(TimerWheel wheel, ConnectionContext transport, WeirEngine engine) : TimerNode, IThreadPoolWorkItem
{
    // Far beyond any date, and near enough that its ticks can be reckoned with.
    private static readonly TimeSpan _never = TimeSpan.FromDays(365_250 * 10);

    private WeirConnection? _connection;
    private HeartbeatTicks? _heartbeat;
    private long _lastHeard;
    private long _nextPing;
    private long _delayCheck;
    private PlannedClose? _plannedClose;
    private long _deadline;
    private TimeSpan _timeout;
    private Stage _stage;

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

    /// <summary>The connection is closed after <paramref name="delay"/>, at most two ticks later; null: it is not.</summary>
    public void CloseAfter(TimeSpan? delay, CloseCode code, string reason)
    {
        lock (this)
        {
            if (_stage == Stage.Open)
            {
                // The tick that runs has begun before now: one more, so that it is never too early.
                _plannedClose = delay is { } span && span < _never
                    ? new PlannedClose(wheel.CurrentTick + 1 + Math.Max(0, TicksOf(span, wheel.Tick)), code, reason) : null;
                ArmInsideLock();
            }
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
                    return; // moved while this call was on its way
                case Stage.Open:
                    if (_connection!.IsInHandler)
                    {
                        NoteHeard(); // we are not listening, so silence says nothing
                    }

                    isDead = _heartbeat is { } heartbeat && now >= Volatile.Read(ref _lastHeard) + heartbeat.Silence;
                    if (isDead && transport is ILoopThreadFeature { HasUnreadInput: true })
                    {
                        NoteHeard(); // it has spoken, and we are behind
                        isDead = false;
                    }

                    isPingDue = now >= _nextPing;
                    isDelayDue = now >= _delayCheck;
                    _nextPing = isPingDue ? _heartbeat!.NextPing(now) : _nextPing;
                    _delayCheck = isDelayDue ? long.MaxValue : _delayCheck;
                    if (_plannedClose is { } planned && now >= planned.Tick)
                    {
                        close = planned;
                        _plannedClose = null;
                    }

                    if (!isDead)
                    {
                        ArmInsideLock();
                    }

                    break;
            }
        }

        if (stage != Stage.Open)
        {
            Expire(stage);
        }
        else if (isDead)
        {
            _connection!.OnSilent();
        }
        else if (close is not null)
        {
            _connection!.Close(close.Code, close.Reason);
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
            _timeout = timeout;
            _deadline = wheel.CurrentTick + TicksOf(timeout, wheel.Tick);
            wheel.Schedule(this, timeout);
        }
    }

    private void ArmInsideLock()
    {
        long due = Math.Min(_nextPing, Math.Min(_delayCheck, _plannedClose?.Tick ?? long.MaxValue));
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

    /// <summary>A time in ticks, rounded up.</summary>
    public static long TicksOf(TimeSpan time, TimeSpan tick) => (time.Ticks + tick.Ticks - 1) / tick.Ticks;

    /// <summary>When and how the connection is to be closed. An object, so that those who plan nothing carry one word.</summary>
    private sealed record PlannedClose(long Tick, CloseCode Code, string Reason);
}
