using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using Weir.Buffers;
using Weir.Protocol;
using Weir.Threading;

namespace Weir.Sending;

/// <summary>
/// The outbound path of one connection: whole messages from any thread, in order, to one <see cref="PipeWriter"/>.
/// </summary>
/// <remarks>
/// <para>Threading. A <see cref="LightLock"/> is the gate (a <c>Lock</c> would cost every idle connection 40 bytes). A message is
/// copied into the pipe under the gate; the flush runs outside it, on the one thread that set <see cref="_flushing"/>. While it
/// is set no thread touches the pipe: a stream-backed writer (TLS) loses bytes that are written during a pending flush
/// (findings/dotnet-pipewriter-of-a-stream-loses-bytes.sh). Messages sent meanwhile wait in a <see cref="SendQueue"/>, and the
/// owner of the flush writes them next.</para>
/// <para>Batching. Inside a <see cref="SendScope"/> (one pass over received bytes) the flush is deferred to the scope's end, so
/// that the replies of a pass share one; a pass that produces more than a chunk flushes in between.</para>
/// <para>Failure. Every exception of the writer, expected of a transport or not, ends this connection and is reported to its
/// owner: the caller may be another connection's handler while it publishes to a room, or a pool thread, on which an exception
/// would end the process.</para>
/// </remarks>
internal sealed partial class ConnectionSender
{
    /// <summary>
    /// The most that is copied into the pipe before a flush, in bytes. Half of Kestrel's default response buffer
    /// (64 KiB): the transport can send one half while the other is filled, and holds no more than about 96 KiB.
    /// </summary>
    public const int ChunkBytes = 32 * 1024;

    /// <summary>
    /// The same for a transport that sends on the flushing thread, without a pipe in between: fewer calls, each of which costs as
    /// much as copying some KiB.
    /// </summary>
    public const int DirectChunkBytes = 64 * 1024;

    /// <summary>
    /// A flush pending for this many ticks of the timer wheel, two seconds, was delayed by the peer and not by thread scheduling.
    /// </summary>
    internal const int LongFlushTicks = 20;

    private readonly PipeWriter _output;
    private readonly SendSettings _settings;
    private readonly ISenderOwner _owner;
    private readonly DeflateContext? _deflate;
    private readonly int _chunkBytes;
    private SendQueue? _queue;
    private FlushWaiter? _flushWaiter;
    private int _unflushed;
    private int _inFlush;
    private int _flushes;
    private long _flushBegan; // of one that did not complete synchronously; else 0
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

        /// <summary>No more bytes are written.</summary>
        Ended,
    }

    /// <summary>Whether a flush is under way, so that a message sent now would be queued. A hint: may change at any time.</summary>
    public bool IsBusy => Volatile.Read(ref _flushing);

    /// <summary>Whether the transport is full, so that the flush under way waits for the peer.</summary>
    public bool IsWaiting => Volatile.Read(ref _flushBegan) != 0;

    /// <summary>Completed flushes. If the number grows after <see cref="IsWaiting"/> was true, the peer takes bytes.</summary>
    public int Flushes => Volatile.Read(ref _flushes);

    private bool IsIdleInsideLock => !_flushing && _queue is null;

    /// <summary>Prefetches the output, for a caller that is about to send.</summary>
    public void PrefetchOutput() => Prefetch.Instance(_output);

    /// <summary>Sends one data message.</summary>
    /// <param name="opcode">Text or binary.</param>
    /// <param name="payload">The message.</param>
    /// <param name="key">The key whose latest value the message is, for <see cref="PressurePolicy.KeepLatest"/>; else
    /// <c>null</c>.</param>
    public SendResult Send(Opcode opcode, in ReadOnlySequence<byte> payload, string? key = null)
        => Send(opcode, payload, key, SendScope.Current);

    /// <summary>The same, for a caller that already holds the scope open on this thread.</summary>
    public SendResult Send(Opcode opcode, in ReadOnlySequence<byte> payload, string? key, SendScope? scope)
    {
        int size = checked((int)payload.Length);
        if (scope is { HasPublications: true })
        {
            scope.WalkPublications();
        }

        NextStep next;
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
                    next = SendDeflatedInsideLock(opcode, payload, scope, key);
                }
                else if (IsIdleInsideLock && size <= _chunkBytes)
                {
                    WriteFrameInsideLock(opcode, payload, size);
                    next = WrittenInsideLock(scope);
                }
                else
                {
                    SharedFrames batch = _settings.Runs.Rent(FrameHeader.MaxUnmaskedLength + size);
                    batch.Append(opcode, payload);
                    next = TakeAndReleaseInsideLock(batch, scope, key);
                }
            }
        }
        catch (Exception error)
        {
            return Break(error);
        }

        scope?.NoteSent(this);
        return Finish(next);
    }

    /// <summary>Sends the messages of a batch that many connections share.</summary>
    /// <param name="batch">The messages.</param>
    /// <param name="key">The key of the batch's only message; <c>null</c> if it has none or the batch has several.</param>
    public SendResult Send(SharedFrames batch, string? key = null)
    {
        NextStep next;
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
                    batch = batch.Deflated(deflate.Parameters.ServerMaxWindowBits, _settings.Zlib!, _settings.DeflateMinimumBytes);
                    deflate.ForgetSent();
                }

                next = TakeInsideLock(batch, scope: null, key);
            }
        }
        catch (Exception error)
        {
            return Break(error);
        }

        return Finish(next);
    }

    /// <summary>Answers a Ping, ahead of queued messages. At most one Pong is held, however many Pings arrive.</summary>
    public void SendPong(in ReadOnlySequence<byte> payload)
    {
        NextStep next;
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
                    SharedFrames pong = _settings.Runs.Rent(FrameHeader.MaxUnmaskedLength + (int)payload.Length);
                    pong.Append(Opcode.Pong, payload);
                    QueueInsideLock().SetPong(pong);
                    return;
                }

                WriteFrameInsideLock(Opcode.Pong, payload, (int)payload.Length);
                next = WrittenInsideLock(SendScope.Current);
            }
        }
        catch (Exception error)
        {
            Break(error);
            return;
        }

        Finish(next);
    }

    /// <inheritdoc cref="SendHeartbeat"/>
    public bool SendPing() => SendHeartbeat(Opcode.Ping, ReadOnlySequence<byte>.Empty);

    /// <summary>
    /// Sends a Ping, or a message in its place, ahead of all queued messages except the rest of a partly written one (RFC 6455
    /// sections 5.4 and 5.5). At most one waits.
    /// </summary>
    /// <returns><c>false</c> if one already waits, or the connection is closing.</returns>
    public bool SendHeartbeat(Opcode opcode, in ReadOnlySequence<byte> payload)
    {
        NextStep next;
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
                next = WrittenInsideLock(SendScope.Current);
            }
        }
        catch (Exception error)
        {
            Break(error);
            return false;
        }

        Finish(next);
        return true;
    }

    /// <summary>
    /// Sends the close frame behind all messages accepted before; later messages are refused.
    /// </summary>
    /// <returns><c>false</c> if a close frame was sent before, or the connection has ended.</returns>
    public bool SendClose(CloseCode code, string reason)
    {
        SendScope.Current?.WalkPublications();
        NextStep next;
        try
        {
            using (_gate.Hold(this))
            {
                if (_phase != Phase.Open)
                {
                    return false;
                }

                next = CloseInsideLock(code, reason);
            }
        }
        catch (Exception error)
        {
            Break(error);
            return false;
        }

        Finish(next);
        return true;
    }

    /// <summary>
    /// Completes when the transport has taken all accepted messages, or has ended. For the connection's own loop, which awaits
    /// one such task at a time.
    /// </summary>
    public ValueTask DrainAsync()
    {
        using (_gate.Hold(this))
        {
            if (_phase == Phase.Ended || IsIdleInsideLock)
            {
                return default;
            }

            Debug.Assert(_flushWaiter is null, "A wait has one awaiter");
            _flushWaiter = FlushWaiter.Rent();
            return _flushWaiter.Task;
        }
    }

    /// <summary>Releases all queued messages; later sends are refused. May be called more than once.</summary>
    public void End()
    {
        FlushWaiter? waiter;
        using (_gate.Hold(this))
        {
            waiter = EndInsideLock();
        }

        waiter?.CompleteElsewhere();
    }

    private bool PutHeartbeatFirstInsideLock(Opcode opcode, in ReadOnlySequence<byte> payload)
    {
        SendQueue queue = QueueInsideLock();
        if (queue.HasHeartbeat)
        {
            return false;
        }

        SharedFrames heartbeat = _settings.Runs.Rent(FrameHeader.MaxUnmaskedLength + (int)payload.Length);
        heartbeat.Append(opcode, payload);
        queue.SetHeartbeat(heartbeat);
        return true;
    }

    private NextStep SendDeflatedInsideLock(Opcode opcode, in ReadOnlySequence<byte> payload, SendScope? scope, string? key)
    {
        SharedFrames batch = _settings.Runs.Rent(FrameHeader.MaxUnmaskedLength + ((int)payload.Length / 2) + 64);
        try
        {
            _deflate!.Append(batch, opcode, payload);
        }
        catch
        {
            batch.Release();
            throw;
        }

        return TakeAndReleaseInsideLock(batch, scope, key);
    }

    private NextStep TakeAndReleaseInsideLock(SharedFrames batch, SendScope? scope, string? key)
    {
        try
        {
            return TakeInsideLock(batch, scope, key);
        }
        finally
        {
            batch.Release();
        }
    }

    // Writes a small batch into the pipe when that is free; else queues it, and a first chunk moves into the pipe.
    private NextStep TakeInsideLock(SharedFrames batch, SendScope? scope, string? key)
    {
        if (!IsIdleInsideLock)
        {
            return WaitInsideLock(batch, key);
        }

        if (batch.Length <= _chunkBytes)
        {
            _output.Write(batch.Bytes);
            _unflushed += batch.Length;
            return WrittenInsideLock(scope);
        }

        SendQueue queue = QueueInsideLock();
        queue.Enqueue(batch, 0, batch.Length, _owner.CurrentTick);
        MoveChunkInsideLock(queue);
        StartFlushInsideLock();
        return NextStep.Flush | NextStep.Began | (RisesInsideLock() ? NextStep.High : 0);
    }

    private NextStep CloseInsideLock(CloseCode code, string reason)
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

        SharedFrames batch = _settings.Runs.Rent(FrameHeader.MaxUnmaskedLength + size);
        batch.Append(Opcode.Close, payload[..size]);
        QueueInsideLock().Enqueue(batch, 0, batch.Length, _owner.CurrentTick);
        AccountInsideLock();
        batch.Release();
        return NextStep.Queued;
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

    private NextStep WrittenInsideLock(SendScope? scope)
    {
        Debug.Assert(!_flushing, "No bytes are written while a flush is under way");
        if (scope is not null && _unflushed < _chunkBytes)
        {
            if (!ReferenceEquals(_deferredTo, scope))
            {
                // Also if another thread's scope has deferred the flush: the scope that ends first flushes all bytes.
                _deferredTo = scope;
                scope.Defer(this);
            }

            return NextStep.Sent;
        }

        StartFlushInsideLock();
        return NextStep.Flush;
    }

    // Carries out, outside the gate, the steps decided under it.
    private SendResult Finish(NextStep next)
    {
        if ((next & NextStep.Flush) != 0)
        {
            Flush();
        }

        return (next & ~NextStep.Flush) == 0 ? SendResult.Sent : FinishSlowly(next);
    }

    [Flags]
    private enum NextStep
    {
        /// <summary>In the pipe; the scope flushes it.</summary>
        Sent = 0,

        /// <summary>The caller owns the flush and must run it, once.</summary>
        Flush = 1,

        /// <summary>Queued; the owner of the flush writes it next.</summary>
        Queued = 2,

        /// <summary>The first message in the queue.</summary>
        Began = 4,

        /// <summary>The high-water mark was reached.</summary>
        High = 8,

        /// <summary>Older messages were dropped to make room.</summary>
        DroppedOlder = 16,

        /// <summary>The message was dropped.</summary>
        Refused = 32,

        /// <summary>The message and the queue were dropped, and the close frame is queued.</summary>
        TooSlow = 64,
    }
}
