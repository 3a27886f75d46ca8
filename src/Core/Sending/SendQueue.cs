using System.Diagnostics;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.ObjectPool;

namespace Weir.Sending;

/// <summary>
/// What one connection still has to write: references into runs, oldest first. A connection holds a queue only while
/// something waits; an idle or fast one has none.
/// </summary>
/// <remarks>Not thread-safe: its owner's gate guards it.</remarks>
internal sealed class SendQueue
{
    // Entries beyond this are let go when the queue returns to the pool, so that one bad episode is not kept for ever.
    private const int MaxRetainedEntries = 256;

    private static readonly DefaultObjectPool<SendQueue> _pool = new(new Policy(), maximumRetained: 1024);

    private readonly Queue<Entry> _entries = new();
    private readonly Action _onFlushed;
    private int _headOffset;
    private FrameRun? _pong;
    private ConnectionSender? _flusher;
    private ConfiguredValueTaskAwaitable<FlushResult>.ConfiguredValueTaskAwaiter _flush;

    private SendQueue() => _onFlushed = OnFlushed;

    /// <summary>Bytes of messages waiting, exact; a waiting Pong (at most one, 127 bytes) is not counted.</summary>
    public long Bytes { get; private set; }

    public bool IsEmpty => _entries.Count == 0 && _pong is null;

    public static SendQueue Rent() => _pool.Get();

    public static void Return(SendQueue queue)
    {
        Debug.Assert(queue.IsEmpty, "Entries would be lost with their references");
        _pool.Return(queue);
    }

    /// <summary>Appends part of a run (whole messages) and takes a reference of its own.</summary>
    public void Enqueue(FrameRun run, int start, int end)
    {
        _entries.Enqueue(new Entry(run.AddReference(), start, end));
        Bytes += end - start;
    }

    /// <summary>
    /// Puts a Pong before the messages that have not been started, in place of one that still waits: RFC 6455 5.5.3 lets
    /// an endpoint answer only the latest Ping, so a flood of them holds one frame. Takes over the caller's reference.
    /// </summary>
    public void SetPong(FrameRun pong)
    {
        DropPong();
        _pong = pong;
    }

    /// <summary>
    /// The next bytes to write, at most <paramref name="limit"/>; a large message comes in several pieces. A Pong comes
    /// whole, past the limit if need be: half of one could neither be replaced nor dropped. Follow with
    /// <see cref="Advance"/> when they have been copied.
    /// </summary>
    public ReadOnlySpan<byte> Peek(int limit)
    {
        if (PongIsNext)
        {
            return _pong!.Bytes;
        }

        Entry head = _entries.Peek();
        int start = head.Start + _headOffset;
        return head.Run.Bytes[start..Math.Min(head.End, start + limit)];
    }

    public void Advance(int count)
    {
        if (PongIsNext)
        {
            Debug.Assert(count == _pong!.Length, "A Pong is written whole");
            DropPong();
            return;
        }

        Bytes -= count;
        _headOffset += count;
        Entry head = _entries.Peek();
        Debug.Assert(head.Start + _headOffset <= head.End, "Advanced past the entry that was peeked");
        if (head.Start + _headOffset == head.End)
        {
            _entries.Dequeue();
            _headOffset = 0;
            head.Run.Release();
        }
    }

    /// <summary>
    /// Lets go of every message that has not been started. The rest of one that is half written stays: cutting it would
    /// break the framing for the close frame behind it.
    /// </summary>
    public void DropUnstarted()
    {
        if (_headOffset == 0)
        {
            Clear();
            return;
        }

        Entry head = _entries.Dequeue();
        int written = head.Start + _headOffset;
        int end = Math.Min(head.End, head.Run.BoundaryAtOrAfter(written));
        Clear();
        if (end == written)
        {
            head.Run.Release();
            return;
        }

        _entries.Enqueue(head with { Start = written, End = end });
        Bytes = end - written;
    }

    /// <summary>Lets go of everything: the transport is gone.</summary>
    public void Clear()
    {
        while (_entries.TryDequeue(out Entry entry))
        {
            entry.Run.Release();
        }

        Bytes = 0;
        _headOffset = 0;
        DropPong();
    }

    /// <summary>
    /// Calls <paramref name="sender"/> when <paramref name="flush"/> is over. The awaiter lives here and the delegate is
    /// made once per queue, so that waiting for a slow peer allocates nothing.
    /// </summary>
    public void AwaitFlush(ValueTask<FlushResult> flush, ConnectionSender sender)
    {
        Debug.Assert(_flusher is null, "One flush at a time");
        _flusher = sender;
        _flush = flush.ConfigureAwait(false).GetAwaiter();
        _flush.UnsafeOnCompleted(_onFlushed);
    }

    private bool PongIsNext => _pong is not null && _headOffset == 0;

    private void OnFlushed()
    {
        ConnectionSender sender = _flusher!;
        ConfiguredValueTaskAwaitable<FlushResult>.ConfiguredValueTaskAwaiter flush = _flush;
        _flusher = null;
        _flush = default;
        sender.OnFlushed(flush);
    }

    private void DropPong()
    {
        _pong?.Release();
        _pong = null;
    }

    private readonly record struct Entry(FrameRun Run, int Start, int End);

    private sealed class Policy : PooledObjectPolicy<SendQueue>
    {
        public override SendQueue Create() => new();

        public override bool Return(SendQueue obj)
        {
            if (obj._entries.Capacity > MaxRetainedEntries)
            {
                obj._entries.TrimExcess(MaxRetainedEntries);
            }

            return true;
        }
    }
}
