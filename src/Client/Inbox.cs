using System.Threading.Channels;

namespace Weir.Client;

/// <summary>
/// What waits for the user, in its order and bounded. The client's task adds; the user reads as an enumeration, or has a handler called
/// instead, in which case nothing waits here.
/// </summary>
internal sealed class Inbox<T>(int capacity, BoundedChannelFullMode whenFull)
{
    private readonly Channel<T> _channel = Channel.CreateBounded<T>(new BoundedChannelOptions(capacity) { FullMode = whenFull });

    /// <summary>Takes the place of the enumeration. Set before anything comes.</summary>
    public Action<T>? Handler { get; set; }

    /// <summary>Nothing is left to read.</summary>
    public bool IsEmpty => _channel.Reader.Count == 0;

    /// <summary>Called when somebody has read the last one.</summary>
    public Action? OnEmptied { get; set; }

    /// <summary>Adds; where the policy is to wait, once there is place. What cannot be added because the client was stopped is dropped.</summary>
    public async ValueTask AddAsync(T item, CancellationToken stop)
    {
        if (TryAdd(item))
        {
            return;
        }

        while (!stop.IsCancellationRequested)
        {
            try
            {
                await _channel.Writer.WriteAsync(item, stop);
                return;
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                // Nobody took it in time, and now it is over.
            }
        }
    }

    public bool TryAdd(T item)
    {
        if (Handler is { } handler)
        {
            handler(item);
            return true;
        }

        return _channel.Writer.TryWrite(item);
    }

    /// <summary>Nothing follows.</summary>
    public void Complete(Exception? error) => _channel.Writer.TryComplete(error);

    public async IAsyncEnumerable<T> ReadAllAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        while (await _channel.Reader.WaitToReadAsync(cancel))
        {
            while (_channel.Reader.TryRead(out T? item))
            {
                yield return item;
            }

            OnEmptied?.Invoke();
        }
    }
}
