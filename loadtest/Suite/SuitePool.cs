using System.Collections.Concurrent;

namespace Weir.LoadTest.Suite;

/// <summary>
/// What iterations take turns with. Runners differ in how they number their copies; whoever takes what is free needs no number.
/// </summary>
internal sealed class SuitePool<T>
    where T : class, IAsyncDisposable
{
    private readonly ConcurrentBag<T> _free = [];

    public int Count => _free.Count;

    public void Put(T item) => _free.Add(item);

    /// <summary>Null: all are in use.</summary>
    public T? Take() => _free.TryTake(out T? item) ? item : null;

    public async Task ClearAsync()
    {
        while (Take() is { } item)
        {
            await item.DisposeAsync();
        }
    }
}
