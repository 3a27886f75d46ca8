using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Threading.Channels;

namespace Weir.Client;

/// <summary>
/// What waits for the user, in its order and bounded. The client's task adds; the user reads as an enumeration, or has a handler called
/// by the client's <see cref="Dispatcher"/>. Both are given the same.
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

    /// <param name="capacity">The most that waits.</param>
    /// <param name="whenFull">What happens to one more.</param>
    /// <param name="dispatcher">Calls the handler.</param>
    /// <param name="inPlaceOf">
    /// What is given in place of an item that was dropped to make place; null for nothing. Of equal ones that follow each other one is given.
    /// </param>
    public Inbox(int capacity, BoundedChannelFullMode whenFull, Dispatcher dispatcher, Func<T, T?>? inPlaceOf = null)
    {
        _dispatcher = dispatcher;
        BoundedChannelOptions options = new(capacity) { FullMode = whenFull };
        _channel = inPlaceOf is null ? Channel.CreateBounded<T>(options) : Channel.CreateBounded<T>(options, dropped => Replace(dropped, inPlaceOf));
    }

    /// <summary>Nothing is left to read.</summary>
    public bool IsEmpty => _channel.Reader.Count == 0;

    /// <summary>Called when the last one has been read.</summary>
    public Action? OnEmptied { get; init; }

    /// <summary>Called with each item before its user is given it.</summary>
    public Action<T>? OnTaking { get; init; }

    /// <summary>Takes the place of the enumeration, and is given what waits already.</summary>
    public void AddHandler(Action<T>? handler)
    {
        lock (_gate)
        {
            _handler += handler;
        }

        for (int n = _channel.Reader.Count; n >= 0; n--)
        {
            _dispatcher.Post(this); // one more than there are: the last one is not counted
        }
    }

    public void RemoveHandler(Action<T>? handler)
    {
        lock (_gate)
        {
            _handler -= handler;
        }
    }

    /// <summary>Adds; where the policy is to wait, once there is place. What cannot be added because the client was stopped is dropped.</summary>
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
            // It was not taken in time, and now the client has ended.
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

    /// <summary>Nothing follows what waits but this last one, for which there is always place. Only the first call counts.</summary>
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

    /// <summary>What waits is not given to the user any more.</summary>
    public void Discard()
    {
        while (_channel.Reader.TryRead(out _))
        {
            // Gone.
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
        // The handler is set before what waits is counted, and looked for after the item was added: one of the two sees the other.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _handler) is not null)
        {
            _dispatcher.Post(this);
        }
    }

    private void Replace(T dropped, Func<T, T?> inPlaceOf)
    {
        if (inPlaceOf(dropped) is { } word)
        {
            lock (_gate)
            {
                if (!_inPlaceOfDropped.Contains(word))
                {
                    _inPlaceOfDropped.Enqueue(word);
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
