using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Threading.Channels;

namespace Weir.Client.Receiving;

/// <summary>
/// The bounded queue of events for the application, in order. The client's task adds; the application reads an enumeration or
/// attaches a handler, which the client's <see cref="Dispatcher"/> calls. Both receive the same events.
/// </summary>
internal sealed class Inbox<T> : IHandled
    where T : class
{
    private readonly Channel<T> _channel;
    private readonly Dispatcher _dispatcher;
    private readonly Lock _gate = new();
    private readonly Queue<T> _inPlaceOfDropped = [];
    private Action<T>? _handler;
    private bool _hasThrown;
    private T? _last;
    private Exception? _error;

    /// <param name="capacity">The maximum number of items.</param>
    /// <param name="whenFull">The policy when it is full.</param>
    /// <param name="dispatcher">Calls the handler.</param>
    /// <param name="inPlaceOf">
    /// Returns the item delivered in place of a dropped one; <c>null</c> for no item. Equal ones are queued once.
    /// </param>
    public Inbox(int capacity, BoundedChannelFullMode whenFull, Dispatcher dispatcher, Func<T, T?>? inPlaceOf = null)
    {
        _dispatcher = dispatcher;
        BoundedChannelOptions options = new(capacity) { FullMode = whenFull };
        _channel = inPlaceOf is null
            ? Channel.CreateBounded<T>(options) : Channel.CreateBounded<T>(options, dropped => Replace(dropped, inPlaceOf));
    }

    /// <summary>Whether the queue is empty.</summary>
    public bool IsEmpty => _channel.Reader.Count == 0;

    /// <summary>Called when the last item has been read.</summary>
    public Action? OnEmptied { get; init; }

    /// <summary>Called with each item before it is delivered.</summary>
    public Action<T>? OnTaking { get; init; }

    /// <summary>Adds a handler, which replaces the enumeration and also receives queued items.</summary>
    public void AddHandler(Action<T>? handler)
    {
        lock (_gate)
        {
            _handler += handler;
        }

        for (int n = _channel.Reader.Count; n >= 0; n--)
        {
            _dispatcher.Post(this); // one more than counted: the last item is not in the channel
        }
    }

    public void RemoveHandler(Action<T>? handler)
    {
        lock (_gate)
        {
            _handler -= handler;
        }
    }

    /// <summary>
    /// Adds an item; if the policy is to wait, once there is space. An item without space when the client stops is dropped.
    /// </summary>
    public async ValueTask AddAsync(T item, CancellationToken stop)
    {
        if (TryAdd(item))
        {
            return;
        }

        try
        {
            await _channel.Writer.WriteAsync(item, stop);
            Announce();
        }
        catch (Exception error) when (error is OperationCanceledException or ChannelClosedException)
        {
            // There was no space before the client ended.
        }
    }

    public bool TryAdd(T item)
    {
        bool isAdded = _channel.Writer.TryWrite(item);
        if (isAdded)
        {
            Announce();
        }

        return isAdded;
    }

    /// <summary>Ends the queue with a last item, for which there is always space. Only the first call counts.</summary>
    public void Complete(T last, Exception? error)
    {
        lock (_gate)
        {
            if (!_channel.Writer.TryComplete())
            {
                return;
            }

            _last = last;
            _error = error;
        }

        Announce();
    }

    /// <summary>Discards all queued items.</summary>
    public void Discard()
    {
        while (_channel.Reader.TryRead(out _))
        {
            // Discarded.
        }
    }

    public async IAsyncEnumerable<T> ReadAllAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        while (await _channel.Reader.WaitToReadAsync(cancel))
        {
            while (TryTake(out T? item))
            {
                yield return item;
            }

            OnEmptied?.Invoke();
        }

        while (TryTakeLast(out T? item))
        {
            yield return item;
        }

        if (_error is { } error)
        {
            ExceptionDispatchInfo.Throw(error);
        }
    }

    void IHandled.HandleOne()
    {
        Action<T>? handler;
        lock (_gate)
        {
            handler = _hasThrown ? null : _handler;
        }

        if (handler is null || !(TryTake(out T? item) || (_channel.Reader.Completion.IsCompleted && TryTakeLast(out item))))
        {
            return;
        }

        try
        {
            handler(item);
        }
        catch
        {
            lock (_gate)
            {
                _hasThrown = true;
            }

            throw;
        }

        if (IsEmpty)
        {
            OnEmptied?.Invoke();
        }
    }

    private void Announce()
    {
        // AddHandler sets the handler before it counts items; this reads it after one was added: one of the two sees the other.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _handler) is not null)
        {
            _dispatcher.Post(this);
        }
    }

    private void Replace(T dropped, Func<T, T?> inPlaceOf)
    {
        if (inPlaceOf(dropped) is { } replacement)
        {
            lock (_gate)
            {
                if (!_inPlaceOfDropped.Contains(replacement))
                {
                    _inPlaceOfDropped.Enqueue(replacement);
                }
            }
        }
    }

    private bool TryTake([NotNullWhen(true)] out T? item)
    {
        if (!TryTakeReplacement(out item) && !_channel.Reader.TryRead(out item))
        {
            return false;
        }

        OnTaking?.Invoke(item);
        return true;
    }

    private bool TryTakeReplacement([NotNullWhen(true)] out T? item)
    {
        lock (_gate)
        {
            return _inPlaceOfDropped.TryDequeue(out item);
        }
    }

    private bool TryTakeLast([NotNullWhen(true)] out T? item)
    {
        if (TryTakeReplacement(out item))
        {
            return true;
        }

        lock (_gate)
        {
            item = _last;
            _last = null;
            return item is not null;
        }
    }
}
