using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Weir.Framing;

namespace Weir.Sending;

/// <summary>
/// The way out of one connection: whole messages from any thread, in order, to one <see cref="PipeWriter"/>.
/// </summary>
/// <remarks>
/// <para>Threading. The object's own monitor is the gate (the type is internal, nobody else can lock it, and a
/// <c>Lock</c> would cost every idle connection 40 bytes). Under the gate a message is copied into the pipe; the flush
/// runs outside it, by the one thread that turned <see cref="_flushing"/> on. While it is on nobody touches the pipe:
/// a stream-backed writer (TLS) loses bytes that are written into a pending flush. Messages that come meanwhile wait in
/// a <see cref="SendQueue"/> and whoever owns the flush takes them along.</para>
/// <para>Batching. Inside a <see cref="SendScope"/> (one pass over received bytes) the flush is left to the scope's end, so
/// that the replies of a pass share one; a pass that produces more than a chunk flushes in between.</para>
/// </remarks>
internal sealed class ConnectionSender
{
    /// <summary>
    /// The most that is copied into the pipe before a flush, in bytes. Half of Kestrel's default response buffer
    /// (64 KiB): the transport can send one half while the other is filled, and holds no more than about 96 KiB.
    /// </summary>
    public const int ChunkBytes = 32 * 1024;

    private readonly PipeWriter _output;
    private readonly SendSettings _settings;
    private readonly ISenderOwner _owner;
    private readonly DeflateContext? _deflate;
    private SendQueue? _queue;
    private TaskCompletionSource? _drained;
    private long _bytesInLedger;
    private int _unflushed;
    private int _inFlush;
    private bool _flushing;
    private bool _deferred;
    private bool _isHigh;
    private int _dropped;
    private Phase _phase;

    public ConnectionSender(PipeWriter output, SendSettings settings, ISenderOwner owner, DeflateContext? deflate)
    {
        _output = output;
        _settings = settings;
        _owner = owner;
        _deflate = deflate;
    }

    private enum Phase : byte
    {
        Open,

        /// <summary>The close frame is written or queued: no frame may follow it (RFC 6455 5.5.1).</summary>
        Closing,

        /// <summary>Nothing is written any more.</summary>
        Ended,
    }

    /// <summary>Bytes the transport has not taken: in the queue, or handed over in a flush that is not over.</summary>
    public long PendingBytes
    {
        get
        {
            lock (this)
            {
                return PendingInsideLock;
            }
        }
    }

    /// <summary>The sender's place in the ledger, which owns it; -1: not listed.</summary>
    internal int LedgerIndex { get; set; } = -1;

    /// <summary>Whether a flush is under way, so that a message sent now would have to wait. A hint: may change at any time.</summary>
    public bool IsBusy => Volatile.Read(ref _flushing);

    private long PendingInsideLock => _inFlush + (_queue?.Bytes ?? 0);

    private bool IsIdleInsideLock => !_flushing && _queue is null;

    /// <summary>Sends one data message.</summary>
    /// <param name="opcode">Text or binary.</param>
    /// <param name="payload">The message.</param>
    /// <param name="key">What it is the latest value of, for <see cref="PressurePolicy.KeepLatest"/>; else null.</param>
    public SendResult Send(Opcode opcode, in ReadOnlySequence<byte> payload, string? key = null)
    {
        SendScope? scope = SendScope.Current;
        scope?.WalkPublications();
        Outcome outcome;
        lock (this)
        {
            if (_phase != Phase.Open)
            {
                return SendResult.Closed;
            }

            if (_deflate is not null && payload.Length >= _settings.DeflateMinimumBytes)
            {
                outcome = SendDeflatedInsideLock(opcode, payload, scope, key);
            }
            else if (IsIdleInsideLock && payload.Length <= ChunkBytes)
            {
                WriteFrameInsideLock(opcode, payload);
                outcome = WrittenInsideLock(scope);
            }
            else
            {
                FrameRun run = _settings.Runs.Rent(FrameHeader.MaxUnmaskedLength + (int)payload.Length);
                run.Append(opcode, payload);
                outcome = TakeInsideLock(run, scope, key);
                run.Release();
            }
        }

        scope?.NoteSent(this);
        return Finish(outcome);
    }

    /// <summary>Sends the messages of a run that many connections share.</summary>
    /// <param name="run">The messages.</param>
    /// <param name="key">The key of the one message in it; null when it has none, or the run has several.</param>
    public SendResult Send(FrameRun run, string? key = null)
    {
        Outcome outcome;
        lock (this)
        {
            if (_phase != Phase.Open)
            {
                return SendResult.Closed;
            }

            if (_deflate is { } deflate)
            {
                run = run.Deflated(deflate.Parameters.ServerMaxWindowBits, _settings.Zlib!, _settings.DeflateMinimumBytes);
                deflate.ForgetSent();
            }

            outcome = TakeInsideLock(run, scope: null, key);
        }

        return Finish(outcome);
    }

    /// <summary>Answers a Ping: before queued messages, and holding one Pong at most however many Pings came.</summary>
    public void SendPong(in ReadOnlySequence<byte> payload)
    {
        SendScope? scope = SendScope.Current;
        Outcome outcome;
        lock (this)
        {
            if (_phase != Phase.Open)
            {
                return;
            }

            if (IsIdleInsideLock)
            {
                WriteFrameInsideLock(Opcode.Pong, payload);
                outcome = WrittenInsideLock(scope);
            }
            else
            {
                FrameRun pong = _settings.Runs.Rent(FrameHeader.MaxUnmaskedLength + (int)payload.Length);
                pong.Append(Opcode.Pong, payload);
                QueueInsideLock().SetPong(pong);
                return;
            }
        }

        Finish(outcome);
    }

    /// <summary>Sends a Ping, unless others wait: then what waits finds a dead peer just as well.</summary>
    /// <returns>Whether it was sent.</returns>
    public bool SendPing()
    {
        Outcome outcome;
        lock (this)
        {
            if (_phase != Phase.Open || !IsIdleInsideLock)
            {
                return false;
            }

            WriteFrameInsideLock(Opcode.Ping, ReadOnlySequence<byte>.Empty);
            outcome = WrittenInsideLock(SendScope.Current);
        }

        Finish(outcome);
        return true;
    }

    /// <summary>
    /// Sends the close frame behind everything that was accepted before; messages that come later are refused.
    /// </summary>
    /// <returns>False when a close frame was sent before, or the connection has ended.</returns>
    public bool SendClose(CloseCode code, string reason)
    {
        SendScope.Current?.WalkPublications();
        Outcome outcome;
        lock (this)
        {
            if (_phase != Phase.Open)
            {
                return false;
            }

            outcome = CloseInsideLock(code, reason);
        }

        Finish(outcome);
        return true;
    }

    /// <summary>
    /// Closes the connection if its oldest message has waited too long.
    /// </summary>
    /// <param name="maxDelayTicks">The longest wait allowed.</param>
    /// <returns>In how many ticks to look again; null when nothing waits, or the connection was closed.</returns>
    public long? CheckDelay(long maxDelayTicks)
    {
        lock (this)
        {
            if (_phase != Phase.Open || _queue is not { HasMessages: true } queue)
            {
                return null;
            }

            long left = queue.OldestTick + maxDelayTicks - _owner.CurrentTick;
            if (left > 0)
            {
                return left;
            }
        }

        CloseAsTooSlow();
        return null;
    }

    /// <summary>Drops what waits and closes the connection as too slow. Returns how many bytes that freed.</summary>
    public long CloseAsTooSlow()
    {
        long freed;
        lock (this)
        {
            if (_phase != Phase.Open)
            {
                return 0;
            }

            freed = _queue?.Bytes ?? 0;
            CloseAsTooSlowInsideLock();
            freed -= _queue?.Bytes ?? 0;
        }

        _owner.OnTooSlow();
        return freed;
    }

    /// <summary>Starts the flush that a scope had put off.</summary>
    public void FlushDeferred()
    {
        lock (this)
        {
            if (!_deferred)
            {
                return; // a flush that began meanwhile took the bytes along
            }

            _deferred = false;
            if (_flushing || _phase == Phase.Ended)
            {
                return;
            }

            StartFlushInsideLock();
        }

        Flush();
    }

    /// <summary>Completes when everything accepted has been taken by the transport, or the transport has ended.</summary>
    public Task DrainAsync()
    {
        lock (this)
        {
            if (_phase == Phase.Ended || IsIdleInsideLock)
            {
                return Task.CompletedTask;
            }

            _drained ??= new TaskCompletionSource();
            return _drained.Task;
        }
    }

    /// <summary>Lets go of everything that waits. Sends are refused from here on. May be called more than once.</summary>
    public void End()
    {
        TaskCompletionSource? drained;
        lock (this)
        {
            drained = EndInsideLock();
        }

        CompleteElsewhere(drained);
    }

    internal void OnFlushed(ConfiguredValueTaskAwaitable<FlushResult>.ConfiguredValueTaskAwaiter flush)
    {
        FlushResult result;
        try
        {
            result = flush.GetResult();
        }
        catch (Exception error) when (TransportErrors.IsExpected(error))
        {
            Fail(error);
            return;
        }

        if (!Accept(result))
        {
            return;
        }

        if (WriteWaiting(out TaskCompletionSource? drained))
        {
            Flush();
        }
        else
        {
            drained?.TrySetResult(); // on this thread: the pool gave it to us just for this connection
        }
    }

    // The owner of _flushing runs this, outside the gate, until nothing waits or the pipe is full.
    private void Flush()
    {
        TaskCompletionSource? drained;
        do
        {
            ValueTask<FlushResult> flush;
            FlushResult result;
            try
            {
                flush = _output.FlushAsync();
                if (!flush.IsCompleted)
                {
                    SendQueue queue;
                    lock (this)
                    {
                        queue = QueueInsideLock();
                    }

                    NotePressure();
                    queue.AwaitFlush(flush, this);
                    return;
                }

                result = flush.GetAwaiter().GetResult();
            }
            catch (Exception error) when (TransportErrors.IsExpected(error))
            {
                Fail(error);
                return;
            }

            if (!Accept(result))
            {
                return;
            }
        }
        while (WriteWaiting(out drained));
        CompleteElsewhere(drained);
    }

    private bool Accept(FlushResult result)
    {
        if (!result.IsCompleted && !result.IsCanceled)
        {
            return true;
        }

        Fail(null); // the transport's reader has ended
        return false;
    }

    // A flush is over. Moves the next chunk into the pipe; when there is none, gives the flush (and the queue) back.
    private bool WriteWaiting(out TaskCompletionSource? drained)
    {
        bool hasLeft;
        lock (this)
        {
            drained = null;
            if (_queue is { } queue && _phase != Phase.Ended)
            {
                MoveChunkInsideLock(queue);
            }

            if (_unflushed > 0 && _phase != Phase.Ended)
            {
                _inFlush = _unflushed;
                _unflushed = 0;
                return true;
            }

            drained = GiveBackFlushInsideLock();
            hasLeft = _isHigh;
            _isHigh = false;
        }

        if (hasLeft)
        {
            _owner.OnPressure(isHigh: false);
        }

        return false;
    }

    // A flush that did not end at once: what it carries counts as waiting.
    private void NotePressure()
    {
        bool isHigh;
        lock (this)
        {
            isHigh = RisesInsideLock();
        }

        if (isHigh)
        {
            _owner.OnPressure(isHigh: true);
        }
    }

    private bool RisesInsideLock()
    {
        long mark = _settings.Pressure.HighWaterBytes;
        if (_isHigh || mark == 0 || PendingInsideLock < mark || _phase != Phase.Open)
        {
            return false;
        }

        return _isHigh = true;
    }

    // Every way to get a queue, and every change to it, ends here: the node's account must be exact.
    private SendQueue QueueInsideLock()
    {
        if (_queue is null)
        {
            _queue = SendQueue.Rent();
            _settings.Ledger.Enter(this);
        }

        return _queue;
    }

    private void AccountInsideLock()
    {
        long bytes = _queue?.Bytes ?? 0;
        if (bytes != _bytesInLedger)
        {
            _settings.Ledger.Add(bytes - _bytesInLedger);
            _bytesInLedger = bytes;
        }
    }

    // Returns whom to tell, outside the gate, that everything has been taken.
    private TaskCompletionSource? GiveBackFlushInsideLock()
    {
        _flushing = false;
        _inFlush = 0;
        if (_queue is { } queue)
        {
            queue.Clear();
            _queue = null;
            SendQueue.Return(queue);
            AccountInsideLock();
            _settings.Ledger.Leave(this);
        }

        TaskCompletionSource? drained = _drained;
        _drained = null;
        return drained;
    }

    // The thread may be a publisher's in the middle of a room: it must not run another connection's loop.
    private static void CompleteElsewhere(TaskCompletionSource? drained)
    {
        if (drained is not null)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static source => source.TrySetResult(), drained, preferLocal: true);
        }
    }

    private void MoveChunkInsideLock(SendQueue queue)
    {
        while (_unflushed < ChunkBytes && !queue.IsEmpty)
        {
            ReadOnlySpan<byte> piece = queue.Peek(ChunkBytes - _unflushed);
            _output.Write(piece);
            _unflushed += piece.Length;
            queue.Advance(piece.Length);
        }

        AccountInsideLock();
    }

    private void Fail(Exception? error)
    {
        bool first;
        TaskCompletionSource? drained;
        lock (this)
        {
            first = _phase != Phase.Ended;
            _phase = Phase.Ended;
            drained = GiveBackFlushInsideLock();
            _deflate?.Dispose();
        }

        CompleteElsewhere(drained);

        if (first)
        {
            _owner.OnTransportEnded(error);
        }
    }

    private TaskCompletionSource? EndInsideLock()
    {
        _phase = Phase.Ended;
        _deferred = false;
        _deflate?.Dispose();
        if (!_flushing)
        {
            return GiveBackFlushInsideLock();
        }

        _queue?.Clear(); // the queue itself goes back when the pending flush is over
        AccountInsideLock();
        return null;
    }

    private Outcome SendDeflatedInsideLock(Opcode opcode, in ReadOnlySequence<byte> payload, SendScope? scope, string? key)
    {
        FrameRun run = _settings.Runs.Rent(FrameHeader.MaxUnmaskedLength + ((int)payload.Length / 2) + 64);
        _deflate!.Append(run, opcode, payload);
        Outcome outcome = TakeInsideLock(run, scope, key);
        run.Release();
        return outcome;
    }

    // Into the pipe when it is free and the run is small; otherwise behind the queue, of which a first chunk moves on.
    private Outcome TakeInsideLock(FrameRun run, SendScope? scope, string? key)
    {
        if (!IsIdleInsideLock)
        {
            return WaitInsideLock(run, key);
        }

        if (run.Length <= ChunkBytes)
        {
            _output.Write(run.Bytes);
            _unflushed += run.Length;
            return WrittenInsideLock(scope);
        }

        SendQueue queue = QueueInsideLock();
        queue.Enqueue(run, 0, run.Length, _owner.CurrentTick);
        MoveChunkInsideLock(queue);
        StartFlushInsideLock();
        return Outcome.Flush | Outcome.Began | (RisesInsideLock() ? Outcome.High : 0);
    }

    private Outcome WaitInsideLock(FrameRun run, string? key)
    {
        PressureSettings pressure = _settings.Pressure;
        SendQueue queue = QueueInsideLock();
        bool mayReplace = key is not null && pressure.Policy == PressurePolicy.KeepLatest;
        if (mayReplace && queue.TryReplace(run, key!))
        {
            AccountInsideLock();
            Interlocked.Increment(ref _dropped);
            return Outcome.Queued | Outcome.DroppedOlder;
        }

        Outcome outcome = Outcome.Queued;
        if (PendingInsideLock + run.Length > pressure.CloseAtBytes && queue.HasMessages)
        {
            switch (pressure.Policy)
            {
                case PressurePolicy.DropNewest:
                    return Outcome.Refused;
                case PressurePolicy.DropOldest:
                    Interlocked.Add(ref _dropped, queue.DropOldest(Math.Max(0, pressure.CloseAtBytes - _inFlush - run.Length)));
                    outcome |= Outcome.DroppedOlder;
                    break;
                default:
                    CloseAsTooSlowInsideLock();
                    return Outcome.TooSlow;
            }
        }

        if (!queue.HasMessages)
        {
            outcome |= Outcome.Began;
        }

        queue.Enqueue(run, 0, run.Length, _owner.CurrentTick, mayReplace ? key : null);
        AccountInsideLock();
        return outcome | (RisesInsideLock() ? Outcome.High : 0);
    }

    private void CloseAsTooSlowInsideLock()
    {
        _queue?.DropUnstarted();
        CloseInsideLock(_settings.Pressure.CloseCode, _settings.Pressure.CloseReason);
        AccountInsideLock();
    }

    private Outcome CloseInsideLock(CloseCode code, string reason)
    {
        _phase = Phase.Closing;
        Span<byte> payload = stackalloc byte[ClosePayload.MaxLength];
        int size = ClosePayload.Write(payload, code, reason);
        FrameRun run = _settings.Runs.Rent(FrameHeader.MaxUnmaskedLength + size);
        run.Append(Opcode.Close, payload[..size]);
        Outcome outcome = Outcome.Queued;
        if (IsIdleInsideLock)
        {
            _output.Write(run.Bytes);
            _unflushed += run.Length;
            outcome = WrittenInsideLock(scope: null);
        }
        else
        {
            QueueInsideLock().Enqueue(run, 0, run.Length, _owner.CurrentTick);
            AccountInsideLock();
        }

        run.Release();
        return outcome;
    }

    private void WriteFrameInsideLock(Opcode opcode, in ReadOnlySequence<byte> payload)
    {
        int size = (int)payload.Length;
        Span<byte> span = _output.GetSpan(FrameHeader.MaxUnmaskedLength);
        int header = FrameHeader.Write(span, opcode, size);
        if (span.Length - header >= size)
        {
            payload.CopyTo(span[header..]);
            _output.Advance(header + size);
        }
        else
        {
            _output.Advance(header);
            foreach (ReadOnlyMemory<byte> segment in payload)
            {
                _output.Write(segment.Span);
            }
        }

        _unflushed += header + size;
    }

    private Outcome WrittenInsideLock(SendScope? scope)
    {
        Debug.Assert(!_flushing, "Nothing is written while a flush is under way");
        if (scope is not null && _unflushed < ChunkBytes)
        {
            if (!_deferred)
            {
                _deferred = true;
                scope.Defer(this);
            }

            return Outcome.Sent;
        }

        StartFlushInsideLock();
        return Outcome.Flush;
    }

    private void StartFlushInsideLock()
    {
        _flushing = true;
        _deferred = false;
        _inFlush = _unflushed;
        _unflushed = 0;
    }

    // What was decided under the gate, carried out outside it.
    private SendResult Finish(Outcome outcome)
    {
        if (outcome == Outcome.Sent)
        {
            return SendResult.Sent;
        }

        if ((outcome & Outcome.Flush) != 0)
        {
            Flush();
        }

        return (outcome & ~Outcome.Flush) == 0 ? SendResult.Sent : FinishSlowly(outcome);
    }

    private SendResult FinishSlowly(Outcome outcome)
    {
        if ((outcome & Outcome.TooSlow) != 0)
        {
            _owner.OnTooSlow();
            return SendResult.Dropped;
        }

        if ((outcome & Outcome.Refused) != 0)
        {
            _owner.OnDropped(1);
            return SendResult.Dropped;
        }

        if ((outcome & Outcome.DroppedOlder) != 0 && Interlocked.Exchange(ref _dropped, 0) is > 0 and int dropped)
        {
            _owner.OnDropped(dropped);
        }

        if ((outcome & Outcome.Began) != 0)
        {
            _owner.OnQueueBegan();
        }

        if ((outcome & Outcome.High) != 0)
        {
            _owner.OnPressure(isHigh: true);
        }

        if (_settings.Ledger.IsOverBudget)
        {
            _settings.Ledger.Shed();
        }

        return (outcome & Outcome.Queued) != 0 ? SendResult.Queued : SendResult.Sent;
    }

    [Flags]
    private enum Outcome
    {
        /// <summary>In the pipe; the scope flushes it.</summary>
        Sent = 0,

        /// <summary>The caller owns the flush and must run it once.</summary>
        Flush = 1,

        /// <summary>Waiting; the owner of the flush takes it along.</summary>
        Queued = 2,

        /// <summary>The first message to wait.</summary>
        Began = 4,

        /// <summary>The high-water mark was passed.</summary>
        High = 8,

        /// <summary>Older messages were dropped to make room.</summary>
        DroppedOlder = 16,

        /// <summary>The message was dropped.</summary>
        Refused = 32,

        /// <summary>The message was dropped, and the close frame waits where the queue was.</summary>
        TooSlow = 64,
    }
}
