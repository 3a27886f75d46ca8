using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using Weir.Relay.Brokers;
using Weir.Timing;

namespace Weir.Relay.Streams;

/// <summary>
/// One client's response stream: a queue that any thread may add to, and one loop that writes it out. Its timer node, in the wheel that all
/// streams share, sends heartbeats and detects clients that accept no data.
/// </summary>
/// <remarks>
/// Queued bytes are counted until the transport has accepted them. Beyond the bound, or if the transport accepts no data for too long, the
/// stream is aborted: the client reconnects and recovers the publications that it missed. All members are thread-safe, except
/// <see cref="RunAsync"/>, which is called once.
/// </remarks>
[Experimental("WEIR001")]
public sealed class ResponseStream : TimerNode
{
    // The bytes written before a flush: the transport's own buffer is twice that.
    private const int FlushAt = 32 * 1024;

    private static readonly byte[] _expired = "event: expired\ndata: token expired\n\n"u8.ToArray();

    private readonly Lock _gate = new();
    private readonly StreamSettings _settings;
    private readonly PipeWriter _output;
    private readonly Action _abort;
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

    /// <summary>Creates a stream; <see cref="RunAsync"/> writes to the response.</summary>
    /// <param name="id">The client's id on all nodes.</param>
    /// <param name="output">The response's body.</param>
    /// <param name="abort">Aborts the transport immediately; called on the thread pool when the client is too slow.</param>
    /// <param name="settings">The shared settings of all streams.</param>
    public ResponseStream(string id, PipeWriter output, Action abort, StreamSettings settings)
        : this(id, new SseCursor([], "", log: null), output, abort, settings, user: "")
    {
    }

    /// <param name="id">The client's id on all nodes.</param>
    /// <param name="cursor">The client's positions in its rooms.</param>
    /// <param name="output">The response's body.</param>
    /// <param name="abort">Aborts the transport immediately.</param>
    /// <param name="settings">The shared settings of all streams.</param>
    /// <param name="user">The user's id; empty if anonymous.</param>
    internal ResponseStream(string id, SseCursor cursor, PipeWriter output, Action abort, StreamSettings settings, string user)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(abort);
        ArgumentNullException.ThrowIfNull(settings);
        Id = id;
        User = user;
        Cursor = cursor;
        _output = output;
        _abort = abort;
        _settings = settings;
    }

    /// <summary>The client's id.</summary>
    public string Id { get; }

    internal string User { get; }

    /// <summary>The stream was aborted because the client reads too slowly.</summary>
    public bool IsTooSlow { get; private set; }

    /// <summary>
    /// The positions up to which its rooms have been written: used by <see cref="RunAsync"/>, and by others only before that.
    /// </summary>
    internal SseCursor Cursor { get; }

    /// <summary>
    /// Adds bytes to be written as they are. Ignored if the stream is ending; aborts the stream if too many bytes wait.
    /// </summary>
    /// <param name="message">Kept until it is written: must not change any more.</param>
    public void Enqueue(byte[] message)
    {
        ArgumentNullException.ThrowIfNull(message);
        Enqueue(new SseEvent(0, message, Id: null, default));
    }

    internal void Enqueue(in SseEvent added)
    {
        TaskCompletionSource? idle = null;
        lock (_gate)
        {
            if (_isEnding)
            {
                return;
            }

            // One event larger than the bound is accepted if no other is queued.
            if (_pendingBytes > 0 && _pendingBytes + added.Cost > _settings.CloseAtBytes)
            {
                AbortInsideLock();
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

    /// <summary>Ends the stream after the queued events. Only the first call has an effect.</summary>
    /// <param name="lastEvent">The last bytes written, which instruct the client to reconnect or not.</param>
    public void End(byte[] lastEvent)
    {
        ArgumentNullException.ThrowIfNull(lastEvent);
        lock (_gate)
        {
            EndInsideLock(lastEvent);
        }
    }

    /// <summary>
    /// Ends the stream when its client's token expires by the clock, with an event that reports it: a client that reconnects with the same
    /// token gets 401. Called once, right before <see cref="RunAsync"/>, which cancels it at its end.
    /// </summary>
    internal void EndAt(DateTimeOffset time)
    {
        _plannedEnd = new PlannedEnd(this);
        _settings.Calendar.Schedule(_plannedEnd, time);
    }

    /// <summary>Writes until the stream has ended or the client has disconnected.</summary>
    /// <exception cref="OperationCanceledException">The client has disconnected, or the stream was aborted.</exception>
    public async Task RunAsync(CancellationToken gone)
    {
        try
        {
            // Lets a client resume from here even if it is sent no event at first.
            if (Cursor.IsAnyKnown)
            {
                await KeepIfNeededAsync(gone).ConfigureAwait(false);
                Cursor.WriteId(_output, room: 0);
            }

            _output.Write(_settings.Preface);
            await FlushAsync(gone).ConfigureAwait(false);
            while (await WaitAsync(gone).ConfigureAwait(false))
            {
                int written = 0;
                while (_writing.TryDequeue(out SseEvent next))
                {
                    if (next.Moves && next.Room < Cursor.Rooms && next.Room >= 0)
                    {
                        Cursor.Set(next.Room, next.Position);
                    }

                    if (Cursor.MustKeep || IsKeptTooLong())
                    {
                        await FlushAsync(gone).ConfigureAwait(false); // written events do not wait for the broker
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
            // No id can name the stream's positions. The client reconnects with the last one.
            _output.Write(_settings.RetryEvent());
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

    /// <inheritdoc />
    protected override void OnExpired()
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
                    AbortInsideLock();
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

    // Moves the queued events to those being written. Returns false if the stream has ended.
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
        => Cursor.KeptFor is { } time && (_settings.Wheel.CurrentTick - _keptAt) * _settings.Wheel.Tick > time;

    private async Task KeepIfNeededAsync(CancellationToken gone)
    {
        if (!Cursor.MustKeep && !IsKeptTooLong())
        {
            return;
        }

        bool isNeeded = Cursor.MustKeep;
        _keptAt = _settings.Wheel.CurrentTick;
        try
        {
            await Cursor.KeepAsync(gone).ConfigureAwait(false);
        }
        catch (BrokerUnavailableException) when (!isNeeded)
        {
            // The stored ones last for as long again, and are stored again at the next change.
        }
    }

    private int Write(in SseEvent next)
    {
        byte[] body = next.Body ?? SseFormat.Body(next.Missed!);
        int written = body.Length;
        if (next.Room >= 0 && Cursor.Rooms > 1)
        {
            written += Cursor.WriteId(_output, next.Room);
        }
        else if (next.Missed is not null)
        {
            written += Cursor.WriteId(_output, room: 0);
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

    private void EndInsideLock(byte[] lastEvent)
    {
        if (_isEnding)
        {
            return;
        }

        _queue.Enqueue(new SseEvent(-1, lastEvent, Id: null, default));
        _isEnding = true;
        _idle?.TrySetResult(); // continues on another thread
        _idle = null;
    }

    private void AbortInsideLock()
    {
        IsTooSlow = true;
        _isEnding = true;
        _queue.Clear();
        ThreadPool.UnsafeQueueUserWorkItem(static abort => abort(), _abort, preferLocal: false); // not under our lock, nor on an event loop
    }

    [DoesNotReturn]
    private static void ThrowGone(CancellationToken gone) => throw new OperationCanceledException(gone);

    private sealed class PlannedEnd(ResponseStream stream) : CalendarEntry
    {
        protected override void OnDue() => stream.End(_expired);
    }
}
