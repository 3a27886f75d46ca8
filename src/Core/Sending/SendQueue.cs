using System.Diagnostics;
using System.IO.Pipelines;
using System.Numerics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.ObjectPool;

namespace Weir.Sending;

/// <summary>
/// The unsent messages of one connection: references into batches, oldest first. A connection holds a queue only while messages
/// wait; an idle or fast one has none.
/// </summary>
/// <remarks>Not thread-safe: its owner's gate guards it.</remarks>
internal sealed class SendQueue
{
    // A larger entry array is replaced when the queue returns to the pool, so that one episode does not keep it forever.
    private const int MaxRetainedEntries = 256;

    private static readonly DefaultObjectPool<SendQueue> _pool = new(new Policy(), maximumRetained: 1024);

    private readonly Action _onFlushed;

    // A ring. Positions only grow; the low bits of a position are its index.
    private Entry[] _entries = new Entry[8];
    private long _head;
    private long _tail;
    private int _headOffset;

    // The first entry begins within a message, whose front the transport has.
    private bool _headIsRest;

    // Positions of queued messages by key, for those sent with one.
    private Dictionary<string, long>? _positions;
    private SharedFrames? _pong;
    private SharedFrames? _heartbeat;
    private ConnectionSender? _flusher;
    private ConfiguredValueTaskAwaitable<FlushResult>.ConfiguredValueTaskAwaiter _flush;

    private SendQueue() => _onFlushed = OnFlushed;

    /// <summary>Bytes of queued messages, exact, without a waiting Pong (at most one, 127 bytes) and heartbeat (at most one).</summary>
    public long Bytes { get; private set; }

    public bool HasMessages => _tail > _head;

    public bool IsEmpty => !HasMessages && First is null;

    /// <summary>Whether a heartbeat waits.</summary>
    public bool HasHeartbeat => _heartbeat is not null;

    /// <summary>When the oldest message was queued, in ticks of the timer wheel.</summary>
    public long OldestTick => At(_head).Tick;

    private bool HeadIsStarted => HasMessages && (_headOffset > 0 || _headIsRest);

    // The control frame or heartbeat to write ahead of messages.
    private SharedFrames? First => _pong ?? _heartbeat;

    // Between two messages, also of one batch; never within one, since each is a single frame.
    private bool FirstIsNext => First is not null && (!HeadIsStarted || StartedEnd == At(_head).Start + _headOffset);

    // The end of the message whose front the transport has; the current position if the transport has all of it.
    private int StartedEnd => Math.Min(At(_head).End, At(_head).Batch.BoundaryAtOrAfter(At(_head).Start + _headOffset));

    public static SendQueue Rent() => _pool.Get();

    public static void Return(SendQueue queue)
    {
        Debug.Assert(queue.IsEmpty, "Entries would be lost with their references");
        _pool.Return(queue);
    }

    /// <summary>Appends part of a batch (whole messages) and takes a reference of its own.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="start">Where the part begins.</param>
    /// <param name="end">Where the part ends.</param>
    /// <param name="tick">Now.</param>
    /// <param name="key">The key of the only message, so that a later one may replace it; <c>null</c> if it has none.</param>
    public void Enqueue(SharedFrames batch, int start, int end, long tick, string? key = null)
    {
        if (_tail - _head == _entries.Length)
        {
            Grow();
        }

        if (key is not null)
        {
            (_positions ??= new Dictionary<string, long>(StringComparer.Ordinal))[key] = _tail;
        }

        At(_tail++) = new Entry(batch.AddReference(), start, end, tick, key);
        Bytes += end - start;
    }

    /// <summary>
    /// Replaces a queued message of the same key; returns <c>false</c> if there is none, or it is partly written. The entry keeps
    /// its age: a key that is refreshed continually must not hide that no message is sent.
    /// </summary>
    public bool TryReplace(SharedFrames batch, string key)
    {
        if (_positions is null || !_positions.TryGetValue(key, out long position) || (position == _head && HeadIsStarted))
        {
            return false;
        }

        ref Entry entry = ref At(position);
        Bytes += batch.Length - (entry.End - entry.Start);
        entry.Batch.Release();
        entry = new Entry(batch.AddReference(), 0, batch.Length, entry.Tick, key);
        return true;
    }

    /// <summary>
    /// Queues a Pong ahead of the messages that have not been started, in place of one that still waits: RFC 6455 5.5.3 lets an
    /// endpoint answer only the latest Ping, so a flood of them holds one frame. Takes over the caller's reference.
    /// </summary>
    public void SetPong(SharedFrames pong)
    {
        DropPong();
        _pong = pong;
    }

    /// <summary>
    /// Queues a heartbeat ahead of the messages that have not been started, if none waits. Takes over the caller's reference.
    /// </summary>
    public void SetHeartbeat(SharedFrames heartbeat)
    {
        Debug.Assert(_heartbeat is null, "At most one heartbeat waits");
        _heartbeat = heartbeat;
    }

    /// <summary>
    /// The next bytes to write, at most <paramref name="limit"/>; a large message is returned in several parts. A Pong and a
    /// heartbeat are returned whole, beyond the limit if need be: half of one could neither be replaced nor dropped. Follow with
    /// <see cref="Advance"/> when they have been copied.
    /// </summary>
    public ReadOnlySpan<byte> Peek(int limit)
    {
        if (FirstIsNext)
        {
            return First!.Bytes;
        }

        ref Entry head = ref At(_head);
        int start = head.Start + _headOffset;
        int end = First is null ? head.End : StartedEnd;
        return head.Batch.Bytes[start..Math.Min(end, start + limit)];
    }

    public void Advance(int count)
    {
        if (FirstIsNext)
        {
            Debug.Assert(count == First!.Length, "A Pong or a heartbeat is written whole");
            if (_pong is not null)
            {
                DropPong();
            }
            else
            {
                DropHeartbeat();
            }

            return;
        }

        Bytes -= count;
        _headOffset += count;
        ref Entry head = ref At(_head);
        Debug.Assert(head.Start + _headOffset <= head.End, "Advanced past the entry that was peeked");
        if (head.Start + _headOffset == head.End)
        {
            _headOffset = 0;
            Dequeue().Batch.Release();
        }
    }

    /// <summary>
    /// Drops the oldest messages that have not been started, one by one, until <paramref name="bytes"/> or fewer wait.
    /// </summary>
    /// <returns>How many messages were dropped.</returns>
    public int DropOldest(long bytes)
    {
        int dropped = 0;
        Entry started = default;
        if (HeadIsStarted)
        {
            started = SplitStarted();
        }

        while (Bytes > bytes && HasMessages)
        {
            ref Entry head = ref At(_head);
            int end = head.Batch.BoundaryAtOrAfter(head.Start + 1);
            Bytes -= end - head.Start;
            dropped++;
            if (end >= head.End)
            {
                Dequeue().Batch.Release();
            }
            else
            {
                head = head with { Start = end };
            }
        }

        if (started.Batch is not null)
        {
            PutBack(started);
        }

        return dropped;
    }

    /// <summary>
    /// Drops every message that has not been started. The rest of a partly written one stays: dropping it would break the framing
    /// for the close frame behind it.
    /// </summary>
    public void DropUnstarted()
    {
        if (!HeadIsStarted)
        {
            Clear();
            return;
        }

        Entry started = SplitStarted();
        Clear();
        PutBack(started);
    }

    /// <summary>Releases all entries: the transport has ended.</summary>
    public void Clear()
    {
        while (HasMessages)
        {
            Dequeue().Batch.Release();
        }

        Bytes = 0;
        _headOffset = 0;
        DropPong();
        DropHeartbeat();
    }

    /// <summary>
    /// Calls <paramref name="sender"/> when <paramref name="flush"/> is over. The awaiter lives here and the delegate is
    /// created once per queue, so that waiting for a slow peer allocates nothing.
    /// </summary>
    public void AwaitFlush(ValueTask<FlushResult> flush, ConnectionSender sender)
    {
        Debug.Assert(_flusher is null, "One flush at a time");
        _flusher = sender;
        _flush = flush.ConfigureAwait(false).GetAwaiter();
        _flush.UnsafeOnCompleted(_onFlushed);
    }

    private void OnFlushed()
    {
        ConnectionSender sender = _flusher!;
        ConfiguredValueTaskAwaitable<FlushResult>.ConfiguredValueTaskAwaiter flush = _flush;
        _flusher = null;
        _flush = default;
        sender.OnFlushed(flush);
    }

    // Removes the rest of the partly written message, so that no remaining message has been started. Follow with PutBack. The
    // rest may be empty, if a batch was split between two messages.
    private Entry SplitStarted()
    {
        ref Entry head = ref At(_head);
        int written = head.Start + _headOffset;
        int end = Math.Min(head.End, head.Batch.BoundaryAtOrAfter(written));
        Entry started = new(head.Batch.AddReference(), written, end, head.Tick, Key: null);
        Bytes -= end - written;
        _headOffset = 0;
        _headIsRest = false;
        if (end == head.End)
        {
            Dequeue().Batch.Release();
        }
        else
        {
            head = head with { Start = end };
        }

        return started;
    }

    private void PutBack(in Entry started)
    {
        if (started.Start == started.End)
        {
            started.Batch.Release();
            return;
        }

        if (_tail - _head == _entries.Length)
        {
            Grow();
        }

        // From here on it is an entry of its own that begins at the transport's position.
        At(--_head) = started;
        Bytes += started.End - started.Start;
        _headIsRest = true;
    }

    private Entry Dequeue()
    {
        ref Entry head = ref At(_head);
        Entry entry = head;
        head = default;
        if (entry.Key is not null && _positions!.TryGetValue(entry.Key, out long position) && position == _head)
        {
            _positions.Remove(entry.Key);
        }

        _head++;
        _headIsRest = false;
        return entry;
    }

    private ref Entry At(long position) => ref _entries[(int)(position & (_entries.Length - 1))];

    private void Grow()
    {
        Entry[] larger = new Entry[_entries.Length * 2];
        for (long position = _head; position < _tail; position++)
        {
            larger[(int)(position & (larger.Length - 1))] = At(position);
        }

        _entries = larger;
    }

    private void DropPong()
    {
        _pong?.Release();
        _pong = null;
    }

    private void DropHeartbeat()
    {
        _heartbeat?.Release();
        _heartbeat = null;
    }

    private readonly record struct Entry(SharedFrames Batch, int Start, int End, long Tick, string? Key);

    private sealed class Policy : PooledObjectPolicy<SendQueue>
    {
        public override SendQueue Create() => new();

        public override bool Return(SendQueue obj)
        {
            Debug.Assert(BitOperations.IsPow2(obj._entries.Length));
            if (obj._entries.Length > MaxRetainedEntries)
            {
                obj._entries = new Entry[8];
                obj._positions = null;
            }

            return true;
        }
    }
}
