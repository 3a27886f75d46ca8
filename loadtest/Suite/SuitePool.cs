using System.Collections.Concurrent;
using NBomber.Contracts;

namespace Weir.LoadTest.Suite;

/// <summary>
/// Items that iterations use in turn. Runners differ in how they number their copies; to take a free one needs no number.
/// </summary>
/// <param name="open">Makes one; the number, from 0, is no other's.</param>
internal sealed class SuitePool<T>(Func<int, Task<T>> open)
    where T : class, IAsyncDisposable
{
    // As many as the load test's own client has under way.
    private const int HandshakesAtOnce = 256;

    private readonly ConcurrentBag<T> _free = [];
    private int _opened = -1;
    private volatile bool _isCleared;

    /// <summary>Opens so many before the load begins.</summary>
    public Task FillAsync(int count) => Parallel.ForEachAsync(
        Enumerable.Range(0, count),
        new ParallelOptions { MaxDegreeOfParallelism = HandshakesAtOnce },
        async (_, _) => _free.Add(await OpenAsync()));

    /// <summary>
    /// Runs an iteration with one that is free, or with a new one if none is. One with which it fails is disposed, also where the
    /// failure is an exception.
    /// </summary>
    public async Task<Response<object>> UseAsync(Func<T, Task<Response<object>>> run)
    {
        T item = _free.TryTake(out T? free) ? free : await OpenAsync();
        bool isUsable = false;
        try
        {
            Response<object> response = await run(item);
            isUsable = !response.IsError;
            return response;
        }
        finally
        {
            if (isUsable)
            {
                await ReturnAsync(item);
            }
            else
            {
                await item.DisposeAsync();
            }
        }
    }

    /// <summary>Disposes all that are free, and from now on each that is returned: a runner does not wait for every iteration.</summary>
    public async Task ClearAsync()
    {
        _isCleared = true;
        while (_free.TryTake(out T? item))
        {
            await item.DisposeAsync();
        }
    }

    private async Task ReturnAsync(T item)
    {
        _free.Add(item);
        if (_isCleared)
        {
            await ClearAsync();
        }
    }

    private Task<T> OpenAsync() => open(Interlocked.Increment(ref _opened));
}
