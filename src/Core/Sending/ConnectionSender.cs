using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using Weir.Buffers;
using Weir.Framing;
using Weir.Threading;

namespace Weir.Sending;

/// <summary>
/// The way out of one connection: whole messages from any thread, in order, to one <see cref="PipeWriter"/>.
/// </summary>
/// <remarks>
/// <para>Threading. A <see cref="LightLock"/> is the gate (a <c>Lock</c> would cost every idle connection 40 bytes). Under the gate a message is copied into the pipe; the flush
/// runs outside it, by the one thread that turned <see cref="_flushing"/> on. While it is on nobody touches the pipe:
/// a stream-backed writer (TLS) loses bytes that are written into a pending flush
/// (findings/dotnet-pipewriter-of-a-stream-loses-bytes.sh). Messages that come meanwhile wait in
/// a <see cref="SendQueue"/> and whoever owns the flush takes them along.</para>
/// <para>Batching. Inside a <see cref="SendScope"/> (one pass over received bytes) the flush is left to the scope's end, so
/// that the replies of a pass share one; a pass that produces more than a chunk flushes in between.</para>
/// <para>Failure. Whatever the writer throws, expected of a transport or not, ends this connection and is told to its
/// owner: the caller may be another connection's handler in the middle of a room, or a thread of the pool where an
/// exception would end the process.</para>
/// </remarks>
internal sealed partial class ConnectionSender
{
    /// <summary>
    /// The most that is copied into the pipe before a flush, in bytes. Half of Kestrel's default response buffer
    /// (64 KiB): the transport can send one half while the other is filled, and holds no more than about 96 KiB.
    /// </summary>
    public const int ChunkBytes = 32 * 1024;

    /// <summary>
    /// The same for a transport that sends on the flushing thread, without a pipe in between: fewer calls, each of which
    /// costs as much as copying some KiB.
    /// </summary>
    public const int DirectChunkBytes = 64 * 1024;

    /// <summary>
    /// A flush that was pending for so many ticks of the timer wheel, two seconds, was so because of the peer, and not for a turn of
    /// the threads between.
    /// </summary>
    internal const int LongFlushTicks = 20;

    private readonly PipeWriter _output;
    private readonly SendSettings _settings;
    private readonly ISenderOwner _owner;
    private readonly DeflateContext? _deflate;
    private readonly int _chunkBytes;
    private SendQueue? _queue;
    private DrainWait? _drained;
    private int _unflushed;
    private int _inFlush;
    private int _flushes;
    private long _flushBegan; // of one that did not complete at once; else 0
    private SendScope? _deferredTo;
    private bool _flushing;
    private Phase _phase;
    private LightLock _gate;

    public ConnectionSender(PipeWriter output, SendSettings settings, ISenderOwner owner, DeflateContext? deflate, bool isDirect = false)
    {
        _output = output;
        _settings = settings;
        _owner = owner;
        _deflate = deflate;
        _chunkBytes = isDirect ? DirectChunkBytes : ChunkBytes;
    }

    private enum Phase : byte
    {
        Open,

        /// <summary>The close frame is written or queued: no frame may follow it (RFC 6455 5.5.1).</summary>
        Closing,

        /// <summary>Nothing is written any more.</summary>
        Ended,
    }

    /// <summary>Whether a flush is under way, so that a message sent now would have to wait. A hint: may change at any time.</summary>
    public bool IsBusy => Volatile.Read(ref _flushing);

    /// <summary>Whether the transport is full, so that the flush under way waits for the peer.</summary>
    public bool IsWaiting => Volatile.Read(ref _flushBegan) != 0;

    /// <summary>How many flushes are over: after <see cref="IsWaiting"/>, a larger number says that the peer takes bytes.</summary>
    public int Flushes => Volatile.Read(ref _flushes);

    private bool IsIdleInsideLock => !_flushing && _queue is null;

    /// <summary>For whoever will send soon.</summary>
    public void PrefetchOutput() => Prefetch.Object(_output);

    /// <summary>Sends one data message.</summary>
    /// <param name="opcode">Text or binary.</param>
    /// <param name="payload">The message.</param>
    /// <param name="key">What it is the latest value of, for <see cref="PressurePolicy.KeepLatest"/>; else null.</param>
    public SendResult Send(Opcode opcode, in ReadOnlySequence<byte> payload, string? key = null)
        => Send(opcode, payload, key, SendScope.Current);

    /// <summary>The same, for a caller that has looked for the scope open on this thread.</summary>
    public SendResult Send(Opcode opcode, in ReadOnlySequence<byte> payload, string? key, SendScope? scope)
    {
        int size = checked((int)payload.Length);
        if (scope is { HasPublications: true })
        {
            scope.WalkPublications();
        }

        Outcome outcome;
        try
        {
            using (_gate.Hold(this))
            {
                if (_phase != Phase.Open)
                {
                    return SendResult.Closed;
                }

                if (_deflate is not null && size >= _settings.DeflateMinimumBytes)
                {
                    outcome = SendDeflatedInsideLock(opcode, payload, scope, key);
                }
                else if (IsIdleInsideLock && size <= _chunkBytes)
                {
                    WriteFrameInsideLock(opcode, payload, size);
                    outcome = WrittenInsideLock(scope);
                }
                else
                {
                    FrameRun run = _settings.Runs.Rent(FrameHeader.MaxUnmaskedLength + size);
                    run.Append(opcode, payload);
                    outcome = TakeAndReleaseInsideLock(run, scope, key);
                }
            }
        }
        catch (Exception error)
        {
            return Break(error);
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
        try
        {
            using (_gate.Hold(this))
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
        }
        catch (Exception error)
        {
            return Break(error);
        }

        return Finish(outcome);
    }

    /// <summary>Answers a Ping: before queued messages, and holding one Pong at most however many Pings came.</summary>
    public void SendPong(in ReadOnlySequence<byte> payload)
    {
        Outcome outcome;
        try
        {
            using (_gate.Hold(this))
            {
                if (_phase != Phase.Open)
                {
                    return;
                }

                if (!IsIdleInsideLock)
                {
                    FrameRun pong = _settings.Runs.Rent(FrameHeader.MaxUnmaskedLength + (int)payload.Length);
                    pong.Append(Opcode.Pong, payload);
                    QueueInsideLock().SetPong(pong);
                    return;
                }

                WriteFrameInsideLock(Opcode.Pong, payload, (int)payload.Length);
                outcome = WrittenInsideLock(SendScope.Current);
            }
        }
        catch (Exception error)
        {
            Break(error);
            return;
        }

        Finish(outcome);
    }

    /// <inheritdoc cref="SendHeartbeat"/>
    public bool SendPing() => SendHeartbeat(Opcode.Ping, ReadOnlySequence<byte>.Empty);

    /// <summary>
    /// Sends a Ping or what stands for one, ahead of all messages that wait but the rest of one that has been begun (RFC 6455
    /// sections 5.4 and 5.5); one at most waits.
    /// </summary>
    /// <returns><c>false</c> if one waits already, or the connection is closing.</returns>
    public bool SendHeartbeat(Opcode opcode, in ReadOnlySequence<byte> payload)
    {
        Outcome outcome;
        try
        {
            using (_gate.Hold(this))
            {
                if (_phase != Phase.Open)
                {
                    return false;
                }

                if (!IsIdleInsideLock)
                {
                    return PutHeartbeatFirstInsideLock(opcode, payload);
                }

                WriteFrameInsideLock(opcode, payload, (int)payload.Length);
                outcome = WrittenInsideLock(SendScope.Current);
            }
        }
        catch (Exception error)
        {
            Break(error);
            return false;
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
        try
        {
            using (_gate.Hold(this))
            {
                if (_phase != Phase.Open)
                {
                    return false;
                }

                outcome = CloseInsideLock(code, reason);
            }
        }
        catch (Exception error)
        {
            Break(error);
            return false;
        }

        Finish(outcome);
        return true;
    }

    /// <summary>
    /// Completes when everything accepted has been taken by the transport, or the transport has ended. For the connection's
    /// own loop, which waits once at a time.
    /// </summary>
    public ValueTask DrainAsync()
    {
        using (_gate.Hold(this))
        {
            if (_phase == Phase.Ended || IsIdleInsideLock)
            {
                return default;
            }

            Debug.Assert(_drained is null, "A wait has one awaiter");
            _drained = DrainWait.Rent();
            return _drained.Task;
        }
    }

    /// <summary>Lets go of everything that waits. Sends are refused from here on. May be called more than once.</summary>
    public void End()
    {
        DrainWait? drained;
        using (_gate.Hold(this))
        {
            drained = EndInsideLock();
        }

        drained?.CompleteElsewhere();
    }

    private bool PutHeartbeatFirstInsideLock(Opcode opcode, in ReadOnlySequence<byte> payload)
    {
        SendQueue queue = QueueInsideLock();
        if (queue.HasHeartbeat)
        {
            return false;
        }

        FrameRun heartbeat = _settings.Runs.Rent(FrameHeader.MaxUnmaskedLength + (int)payload.Length);
        heartbeat.Append(opcode, payload);
        queue.SetHeartbeat(heartbeat);
        return true;
    }

    private Outcome SendDeflatedInsideLock(Opcode opcode, in ReadOnlySequence<byte> payload, SendScope? scope, string? key)
    {
        FrameRun run = _settings.Runs.Rent(FrameHeader.MaxUnmaskedLength + ((int)payload.Length / 2) + 64);
        try
        {
            _deflate!.Append(run, opcode, payload);
        }
        catch
        {
            run.Release();
            throw;
        }

        return TakeAndReleaseInsideLock(run, scope, key);
    }

    private Outcome TakeAndReleaseInsideLock(FrameRun run, SendScope? scope, string? key)
    {
        try
        {
            return TakeInsideLock(run, scope, key);
        }
        finally
        {
            run.Release();
        }
    }

    // Into the pipe when it is free and the run is small; otherwise behind the queue, of which a first chunk moves on.
    private Outcome TakeInsideLock(FrameRun run, SendScope? scope, string? key)
    {
        if (!IsIdleInsideLock)
        {
            return WaitInsideLock(run, key);
        }

        if (run.Length <= _chunkBytes)
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

    private Outcome CloseInsideLock(CloseCode code, string reason)
    {
        _phase = Phase.Closing;
        Span<byte> payload = stackalloc byte[ClosePayload.MaxLength];
        int size = ClosePayload.Write(payload, code, reason);
        if (IsIdleInsideLock)
        {
            Span<byte> span = _output.GetSpan(FrameHeader.MaxUnmaskedLength + size);
            int header = FrameHeader.Write(span, Opcode.Close, size);
            payload[..size].CopyTo(span[header..]);
            _output.Advance(header + size);
            _unflushed += header + size;
            return WrittenInsideLock(scope: null);
        }

        FrameRun run = _settings.Runs.Rent(FrameHeader.MaxUnmaskedLength + size);
        run.Append(Opcode.Close, payload[..size]);
        QueueInsideLock().Enqueue(run, 0, run.Length, _owner.CurrentTick);
        AccountInsideLock();
        run.Release();
        return Outcome.Queued;
    }

    private void WriteFrameInsideLock(Opcode opcode, in ReadOnlySequence<byte> payload, int size)
    {
        Span<byte> span = _output.GetSpan(FrameHeader.MaxUnmaskedLength);
        int header = FrameHeader.Write(span, opcode, size);
        if (span.Length - header >= size)
        {
            if (SequenceMarshal.TryGetArray(payload, out ArraySegment<byte> whole))
            {
                whole.AsSpan().CopyTo(span[header..]);
            }
            else
            {
                payload.CopyTo(span[header..]);
            }

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
        if (scope is not null && _unflushed < _chunkBytes)
        {
            if (!ReferenceEquals(_deferredTo, scope))
            {
                // Also when another thread's scope has put a flush off: whichever ends first takes all along.
                _deferredTo = scope;
                scope.Defer(this);
            }

            return Outcome.Sent;
        }

        StartFlushInsideLock();
        return Outcome.Flush;
    }

    // What was decided under the gate, carried out outside it.
    private SendResult Finish(Outcome outcome)
    {
        if ((outcome & Outcome.Flush) != 0)
        {
            Flush();
        }

        return (outcome & ~Outcome.Flush) == 0 ? SendResult.Sent : FinishSlowly(outcome);
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
