namespace Weir.Brokers.File.Rooms;

/// <summary>The requests that wait for the writer, in the order of the calls. Thread-safe.</summary>
internal sealed class RequestQueue(int most)
{
    private readonly object _gate = new(); // a monitor, for the thread of the writer to wait on
    private List<WriteRequest> _waiting = [];
    private List<WriteRequest> _taken = [];
    private bool _isClosed;

    /// <summary>Returns false if the queue is full or closed.</summary>
    /// <param name="request">What the writer is to do.</param>
    /// <param name="isOwn">Whether it is the broker's own, which is not refused when the queue is full.</param>
    public bool TryAdd(WriteRequest request, bool isOwn = false)
    {
        lock (_gate)
        {
            if (_isClosed || (!isOwn && _waiting.Count >= most))
            {
                return false;
            }

            _waiting.Add(request);
            if (_waiting.Count == 1)
            {
                Monitor.Pulse(_gate);
            }

            return true;
        }
    }

    /// <summary>Waits for requests and takes all; <c>null</c> once the queue is closed and empty.</summary>
    /// <returns>Valid until the next call.</returns>
    public List<WriteRequest>? Take()
    {
        _taken.Clear();
        lock (_gate)
        {
            while (_waiting.Count == 0)
            {
                if (_isClosed)
                {
                    return null;
                }

                Monitor.Wait(_gate);
            }

            (_waiting, _taken) = (_taken, _waiting);
            return _taken;
        }
    }

    /// <summary>Refuses further requests.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            Monitor.Pulse(_gate);
        }
    }
}
