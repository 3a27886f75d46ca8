namespace Weir.Protocol.Compression;

/// <summary>
/// The idle codecs of one kind, most recently used last: their memory is the likeliest to be in cache still. Holds a few dozen at
/// most, so a scan under the lock is cheaper than a queue per window size. Thread-safe.
/// </summary>
internal sealed class IdleCodecs<T>(int capacity)
    where T : ZlibCodec
{
    private readonly Lock _gate = new();
    private readonly T[] _items = new T[capacity];
    private int _count;
    private bool _closed;

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _count;
            }
        }
    }

    public T? Take(int windowBits)
    {
        lock (_gate)
        {
            for (int i = _count - 1; i >= 0; i--)
            {
                T item = _items[i];
                if (item.WindowBits == windowBits)
                {
                    RemoveAtInsideLock(i);
                    item.IsIdle = false;
                    return item;
                }
            }

            return null;
        }
    }

    /// <summary>
    /// Keeps <paramref name="item"/>. Returns the codec that then does not fit, for the caller to dispose: the longest idle one,
    /// so that window sizes no longer in use do not fill the pool.
    /// </summary>
    public T? Put(T item)
    {
        lock (_gate)
        {
            if (item.IsIdle)
            {
                throw new InvalidOperationException("Returned twice: another connection may already use it.");
            }

            if (_closed || _items.Length == 0)
            {
                return item;
            }

            T? evicted = null;
            if (_count == _items.Length)
            {
                evicted = _items[0];
                RemoveAtInsideLock(0);
            }

            item.IsIdle = true;
            _items[_count++] = item;
            return evicted;
        }
    }

    /// <summary>Disposes the idle codecs and keeps none from now on.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            while (_count > 0)
            {
                _items[--_count].Dispose();
                _items[_count] = null!;
            }
        }
    }

    private void RemoveAtInsideLock(int index)
    {
        Array.Copy(_items, index + 1, _items, index, --_count - index);
        _items[_count] = null!;
    }
}
