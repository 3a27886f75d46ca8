using Weir.Relay.Brokers;

namespace Weir.Brokers.Kafka.Log;

/// <summary>
/// One partition of the topic as this node sees it: how far it has read, and whether records pass through it now. Thread-safe.
/// </summary>
internal sealed class PartitionState(int id)
{
    private readonly Lock _gate = new();
    private readonly List<(long Offset, TaskCompletionSource Read)> _waiting = [];
    private long _next = -1;
    private long _received;
    private long _expectedProbe;
    private TaskCompletionSource _probe = new();
    private long _lastWritten = -1;
    private volatile bool _isUp;
    private volatile bool _hasWaiting;

    public int Id => id;

    /// <summary>The offset of the next record to read: the reader's own, whichever client reads; -1 until it has begun.</summary>
    public long Next => Volatile.Read(ref _next);

    /// <summary>Records read so far, to see progress.</summary>
    public long Received => Volatile.Read(ref _received);

    /// <summary>Whether the last probe of it has returned in time.</summary>
    public bool IsUp
    {
        get => _isUp;
        set => _isUp = value;
    }

    /// <summary>The offset of the last record that this node has written and Kafka has acknowledged; -1: none yet.</summary>
    public long LastWritten
    {
        get
        {
            lock (_gate)
            {
                return _lastWritten;
            }
        }
    }

    /// <summary>Sets where reading begins, or continues after records that no longer exist.</summary>
    public void MoveTo(long next)
    {
        Volatile.Write(ref _next, next);
        (long Offset, TaskCompletionSource Read)[] waiting;
        lock (_gate)
        {
            _lastWritten = -1;
            waiting = [.. _waiting];
            _waiting.Clear();
            _hasWaiting = false;
        }

        // Their records may be among those that no longer exist.
        Array.ForEach(waiting, static each => each.Read.TrySetException(
            new BrokerUnavailableException("The partition has lost records; this one may be among them.", isUnknown: true)));
    }

    /// <summary>Counts a record as read; called by the reader only, after the record has been delivered.</summary>
    public void Advance(long offset)
    {
        Volatile.Write(ref _received, _received + 1);
        Interlocked.Exchange(ref _next, offset + 1); // a full fence: either the waiter sees it, or it is seen here
        if (_hasWaiting)
        {
            Release(offset);
        }
    }

    /// <summary>Completes when the record at an offset has been read and delivered.</summary>
    public Task WhenReadAsync(long offset)
    {
        if (offset < Next)
        {
            return Task.CompletedTask;
        }

        TaskCompletionSource read = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            _waiting.Add((offset, read));
            _hasWaiting = true;
        }

        Interlocked.MemoryBarrier();
        if (offset < Next)
        {
            Release(Next - 1);
        }

        return read.Task;
    }

    /// <summary>Notes an acknowledged record; returns <c>false</c> if the partition has lost records: its offsets have gone back.</summary>
    public bool TryNoteWritten(long offset)
    {
        lock (_gate)
        {
            bool isAfter = offset > _lastWritten;
            _lastWritten = Math.Max(offset, _lastWritten);
            return isAfter;
        }
    }

    /// <summary>Expects a probe; the task completes when it is read.</summary>
    public Task ExpectProbe(long number)
    {
        lock (_gate)
        {
            _expectedProbe = number;
            _probe = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _probe.Task;
        }
    }

    public void OnProbe(long number)
    {
        lock (_gate)
        {
            if (number == _expectedProbe)
            {
                _probe.TrySetResult();
            }
        }
    }

    private void Release(long offset)
    {
        List<TaskCompletionSource> due = [];
        lock (_gate)
        {
            for (int i = _waiting.Count - 1; i >= 0; i--)
            {
                if (_waiting[i].Offset <= offset)
                {
                    due.Add(_waiting[i].Read);
                    _waiting.RemoveAt(i);
                }
            }

            _hasWaiting = _waiting.Count > 0;
        }

        due.ForEach(static read => read.TrySetResult());
    }
}
