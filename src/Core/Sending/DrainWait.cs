using System.Threading.Tasks.Sources;
using Microsoft.Extensions.ObjectPool;

namespace Weir.Sending;

/// <summary>
/// One wait for a sender to have nothing left to write. Pooled: a client that reads more slowly than it asks makes its loop
/// wait again and again, and each wait would otherwise be a task. It goes back to the pool when its one awaiter has seen it.
/// </summary>
internal sealed class DrainWait : IValueTaskSource, IThreadPoolWorkItem
{
    private static readonly DefaultObjectPool<DrainWait> _pool = new(new DefaultPooledObjectPolicy<DrainWait>(), maximumRetained: 1024);

    private ManualResetValueTaskSourceCore<bool> _core;

    /// <summary>Await it once.</summary>
    public ValueTask Task => new(this, _core.Version);

    public static DrainWait Rent() => _pool.Get();

    /// <summary>Lets the awaiter go on, on this thread. Call this or <see cref="CompleteElsewhere"/>, once.</summary>
    public void Complete() => _core.SetResult(true);

    /// <summary>Lets the awaiter go on, on a thread of the pool.</summary>
    public void CompleteElsewhere() => ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: true);

    void IThreadPoolWorkItem.Execute() => Complete();

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _core.OnCompleted(continuation, state, token, flags);

    void IValueTaskSource.GetResult(short token)
    {
        _core.GetResult(token);
        _core.Reset();
        _pool.Return(this);
    }
}
