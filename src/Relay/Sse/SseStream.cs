using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using Weir.Connections;
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
    private readonly StreamPosition[] _positions;
    private Queue<SseEvent> _queue = new();
    private Queue<SseEvent> _writing = new();
    private TaskCompletionSource? _idle;
    private long _pendingBytes;
    private long _unflushedCost;
    private long _lastFlushed;
    private long _flushBegan;
    private long _endsAt = long.MaxValue;
    private bool _isEnding;

    /// <param name="id">What the client is called on all nodes.</param>
    /// <param name="rooms">How many rooms it listens to.</param>
    /// <param name="output">The response.</param>
    /// <param name="cut">Ends the transport at once.</param>
    /// <param name="settings">What all streams share.</param>
    /// <param name="user">Whose it is; empty: nobody's in particular.</param>
    public SseStream(string id, int rooms, PipeWriter output, Action cut, SseSettings settings, string user = "")
    {
        Id = id;
        User = user;
        _positions = new StreamPosition[rooms];
        _output = output;
        _cut = cut;
        _settings = settings;
    }

    public string Id { get; }

    public string User { get; }

    /// <summary>The client was cut because it reads too slowly.</summary>
    public bool IsTooSlow { get; private set; }

    /// <summary>The client knows this position of a room: said before the first event of it.</summary>
    public void Start(int room, StreamPosition position)
    {
        lock (_gate)
        {
            _positions[room] = position;
        }
    }

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

    /// <summary>Ends the stream when its client's token expires, and tells so: who comes back with the same one gets 401.</summary>
    public void EndAfter(TimeSpan delay)
    {
        lock (_gate)
        {
            long now = _settings.Wheel.CurrentTick;
            // The tick that runs has begun before now: one more, so that it is never too early.
            _endsAt = now + 1 + Math.Max(0, ConnectionTimer.TicksOf(delay, _settings.Wheel.Tick));
            ArmInsideLock();
        }
    }

    /// <summary>Writes until the stream has ended or the client has gone.</summary>
    /// <exception cref="OperationCanceledException">The client has gone, or was cut.</exception>
    public async Task RunAsync(CancellationToken gone)
    {
        try
        {
            lock (_gate)
            {
                // Lets a client that hears nothing at first come back to here all the same.
                if (_positions.Any(static position => position.Epoch.Length > 0))
                {
                    _output.Write(_positions.Length == 1 ? SseFormat.Id(_positions[0]) : SseFormat.Id(0, _positions));
                }
            }

            _output.Write(_settings.Preface);
            await FlushAsync(gone).ConfigureAwait(false);
            while (await WaitAsync(gone).ConfigureAwait(false))
            {
                int written = 0;
                while (_writing.TryDequeue(out SseEvent next))
                {
                    written += Write(next);
                    if (written >= FlushAt || _writing.Count == 0)
                    {
                        await FlushAsync(gone).ConfigureAwait(false);
                        written = 0;
                    }
                }
            }
        }
        finally
        {
            lock (_gate)
            {
                _isEnding = true;
                _queue.Clear();
            }

            _settings.Wheel.Cancel(this);
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
            if (now >= _endsAt)
            {
                _endsAt = long.MaxValue;
                EndInsideLock(_expired);
            }

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

    private int Write(in SseEvent next)
    {
        byte[] body = next.Body ?? SseFormat.Body(next.Missed!);
        byte[]? id = next.Id;
        if (next.Room >= 0)
        {
            if (next.Position.Offset > 0 || next.Id is not null)
            {
                _positions[next.Room] = next.Position;
            }

            id = _positions.Length > 1 ? SseFormat.Id(next.Room, _positions)
                : next.Missed is not null ? SseFormat.Id(next.Position) : id;
        }

        if (id is not null)
        {
            _output.Write(id);
        }

        _output.Write(body);
        _unflushedCost += next.Cost;
        return body.Length + (id?.Length ?? 0);
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
        due = Math.Min(due, _endsAt);
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
}
