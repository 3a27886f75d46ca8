using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using Weir.Timing;

namespace Weir.Relay.Sse;

/// <summary>
/// One client's stream: a queue that any thread may add to, and one loop that writes it out. Its timer node, in the wheel
/// that all streams share, sees to heartbeats and to clients that take nothing.
/// </summary>
/// <remarks>
/// What waits is counted until the transport has taken it. Beyond the bound, or when the transport takes nothing for too
/// long, the stream is cut: the client comes back and recovers what it has not got.
/// </remarks>
internal sealed class SseStream : TimerNode
{
    // As much as is written before a flush: the transport's own buffer is twice that.
    private const int FlushAt = 32 * 1024;

    private static readonly byte[] _expired = "event: expired\ndata: token expired\n\n"u8.ToArray();

    private readonly Lock _gate = new();
    private readonly SseSettings _settings;
    private readonly PipeWriter _output;
    private readonly Action _cut;
    private Queue<SseEvent> _queue = new();
    private Queue<SseEvent> _writing = new();
    private TaskCompletionSource? _idle;
    private long _pendingBytes;
    private long _unflushedCost;
    private long _lastFlushed;
    private long _flushBegan;
    private PlannedEnd? _plannedEnd;
    private long _keptAt;
    private bool _isEnding;

    /// <param name="id">What the client is called on all nodes.</param>
    /// <param name="place">Up to where the client knows its rooms; <c>null</c>: a stream whose events have no ids.</param>
    /// <param name="output">The response.</param>
    /// <param name="cut">Ends the transport at once.</param>
    /// <param name="settings">What all streams share.</param>
    /// <param name="user">Whose it is; empty: nobody's in particular.</param>
    public SseStream(string id, SsePlace? place, PipeWriter output, Action cut, SseSettings settings, string user = "")
    {
        Id = id;
        User = user;
        Place = place ?? new SsePlace([], "", log: null);
        _output = output;
        _cut = cut;
        _settings = settings;
    }

    public string Id { get; }

    public string User { get; }

    /// <summary>The client was cut because it reads too slowly.</summary>
    public bool IsTooSlow { get; private set; }

    /// <summary>Up to where its rooms have been written: <see cref="RunAsync"/>'s, and open to others only before that.</summary>
    public SsePlace Place { get; }

    public void Enqueue(in SseEvent added)
    {
        TaskCompletionSource? idle = null;
        lock (_gate)
        {
            if (_isEnding)
            {
                return;
            }

            // One event larger than the bound is let through when nothing else waits.
            if (_pendingBytes > 0 && _pendingBytes + added.Cost > _settings.CloseAtBytes)
            {
                CutInsideLock();
            }
            else
            {
                _queue.Enqueue(added);
                _pendingBytes += added.Cost;
                idle = _idle;
                _idle = null;
            }
        }

        idle?.TrySetResult();
    }

    /// <summary>Ends the stream behind what waits.</summary>
    /// <param name="farewell">The last that is written, which says what the client is to do.</param>
    public void End(byte[] farewell)
    {
        lock (_gate)
        {
            EndInsideLock(farewell);
        }
    }

    /// <summary>
    /// Ends the stream when its client's token expires by the clock, with an event that says so: a client that comes back with the
    /// same token gets 401. Called once, right before <see cref="RunAsync"/>, which takes it back.
    /// </summary>
    public void EndAt(DateTimeOffset time)
    {
        _plannedEnd = new PlannedEnd(this);
        _settings.Calendar.Schedule(_plannedEnd, time);
    }

    /// <summary>Writes until the stream has ended or the client has gone.</summary>
    /// <exception cref="OperationCanceledException">The client has gone, or was cut.</exception>
    public async Task RunAsync(CancellationToken gone)
    {
        try
        {
            // Lets a client that hears nothing at first come back to here all the same.
            if (Place.IsAnyKnown)
            {
                await KeepIfNeededAsync(gone).ConfigureAwait(false);
                Place.WriteId(_output, room: 0);
            }

            _output.Write(_settings.Preface);
            await FlushAsync(gone).ConfigureAwait(false);
            while (await WaitAsync(gone).ConfigureAwait(false))
            {
                int written = 0;
                while (_writing.TryDequeue(out SseEvent next))
                {
                    if (next.Moves && next.Room < Place.Rooms && next.Room >= 0)
                    {
                        Place.Set(next.Room, next.Position);
                    }

                    if (Place.MustKeep || IsKeptTooLong())
                    {
                        await FlushAsync(gone).ConfigureAwait(false); // what is written waits for no broker
                        written = 0;
                        await KeepIfNeededAsync(gone).ConfigureAwait(false);
                    }

                    written += Write(next);
                    if (written >= FlushAt || _writing.Count == 0)
                    {
                        await FlushAsync(gone).ConfigureAwait(false);
                        written = 0;
                    }
                }
            }
        }
        catch (BrokerUnavailableException)
        {
            // No id can say where the stream is. The client returns with the last one.
            _output.Write(_settings.ComeBack());
            await FlushAsync(gone).ConfigureAwait(false);
        }
        finally
        {
            lock (_gate)
            {
                _isEnding = true;
                _queue.Clear();
            }

            _settings.Wheel.Cancel(this);
            if (_plannedEnd is { } planned)
            {
                _settings.Calendar.Cancel(planned);
            }
        }
    }

    protected internal override void OnExpired()
    {
        lock (_gate)
        {
            if (_isEnding && _flushBegan == 0)
            {
                return;
            }

            long now = _settings.Wheel.CurrentTick;
            if (_flushBegan != 0)
            {
                if (_settings.MaxDelayTicks > 0 && now - _flushBegan >= _settings.MaxDelayTicks)
                {
                    CutInsideLock();
                    return;
                }
            }
            else if (_settings.HeartbeatTicks > 0 && now - _lastFlushed >= _settings.HeartbeatTicks && _idle is { } idle)
            {
                _queue.Enqueue(new SseEvent(-1, _settings.Heartbeat, Id: null, default));
                _idle = null;
                idle.TrySetResult();
            }

            ArmInsideLock();
        }
    }

    // Moves what waits over to be written. False: the stream has ended.
    private async ValueTask<bool> WaitAsync(CancellationToken gone)
    {
        while (true)
        {
            Task woken;
            lock (_gate)
            {
                if (IsTooSlow)
                {
                    ThrowGone(gone);
                }

                if (_queue.Count > 0)
                {
                    (_queue, _writing) = (_writing, _queue);
                    return true;
                }

                if (_isEnding)
                {
                    gone.ThrowIfCancellationRequested();
                    return false;
                }

                _idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                woken = _idle.Task;
            }

            await woken.WaitAsync(gone).ConfigureAwait(false);
        }
    }

    private bool IsKeptTooLong()
        => Place.KeptFor is { } time && (_settings.Wheel.CurrentTick - _keptAt) * _settings.Wheel.Tick > time;

    private async Task KeepIfNeededAsync(CancellationToken gone)
    {
        if (!Place.MustKeep && !IsKeptTooLong())
        {
            return;
        }

        bool isNeeded = Place.MustKeep;
        _keptAt = _settings.Wheel.CurrentTick;
        try
        {
            await Place.KeepAsync(gone).ConfigureAwait(false);
        }
        catch (BrokerUnavailableException) when (!isNeeded)
        {
            // What is there lasts for as long again, and is kept anew by the next change.
        }
    }

    private int Write(in SseEvent next)
    {
        byte[] body = next.Body ?? SseFormat.Body(next.Missed!);
        int written = body.Length;
        if (next.Room >= 0 && Place.Rooms > 1)
        {
            written += Place.WriteId(_output, next.Room);
        }
        else if (next.Missed is not null)
        {
            written += Place.WriteId(_output, room: 0);
        }
        else if (next.Id is { } id)
        {
            _output.Write(id);
            written += id.Length;
        }

        _output.Write(body);
        _unflushedCost += next.Cost;
        return written;
    }

    private async ValueTask FlushAsync(CancellationToken gone)
    {
        ValueTask<FlushResult> flushing = _output.FlushAsync(gone);
        if (!flushing.IsCompletedSuccessfully)
        {
            lock (_gate)
            {
                _flushBegan = Math.Max(1, _settings.Wheel.CurrentTick);
                ArmInsideLock();
            }
        }

        FlushResult result = await flushing.ConfigureAwait(false);
        lock (_gate)
        {
            _flushBegan = 0;
            _pendingBytes -= _unflushedCost;
            _unflushedCost = 0;
            _lastFlushed = _settings.Wheel.CurrentTick;
            if (!IsScheduled && !_isEnding)
            {
                ArmInsideLock();
            }
        }

        if (result.IsCompleted || result.IsCanceled)
        {
            ThrowGone(gone);
        }
    }

    private void ArmInsideLock()
    {
        long due = _flushBegan != 0
            ? (_settings.MaxDelayTicks > 0 ? _flushBegan + _settings.MaxDelayTicks : long.MaxValue)
            : (_settings.HeartbeatTicks > 0 ? _lastFlushed + _settings.HeartbeatTicks : long.MaxValue);
        if (due != long.MaxValue)
        {
            _settings.Wheel.ScheduleAt(this, due);
        }
    }

    private void EndInsideLock(byte[] farewell)
    {
        if (_isEnding)
        {
            return;
        }

        _queue.Enqueue(new SseEvent(-1, farewell, Id: null, default));
        _isEnding = true;
        _idle?.TrySetResult(); // goes on on another thread
        _idle = null;
    }

    private void CutInsideLock()
    {
        IsTooSlow = true;
        _isEnding = true;
        _queue.Clear();
        ThreadPool.UnsafeQueueUserWorkItem(static cut => cut(), _cut, preferLocal: false); // not under our lock, nor on a room's drain
    }

    [DoesNotReturn]
    private static void ThrowGone(CancellationToken gone) => throw new OperationCanceledException(gone);

    private sealed class PlannedEnd(SseStream stream) : CalendarEntry
    {
        protected internal override void OnDue() => stream.End(_expired);
    }
}
