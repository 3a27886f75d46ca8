using System.Threading.Tasks.Sources;
using Microsoft.Extensions.ObjectPool;

namespace Weir.Sending;

/// <summary>
/// One wait until a sender has written all its messages. Pooled: the loop of a client that reads more slowly than it sends
/// requests waits repeatedly, and each wait would otherwise be a task. Returned to the pool by its one awaiter's
/// <c>GetResult</c>.
/// </summary>
internal sealed class FlushWaiter : IValueTaskSource, IThreadPoolWorkItem
{
    private static readonly DefaultObjectPool<FlushWaiter> _pool = new(new DefaultPooledObjectPolicy<FlushWaiter>(), maximumRetained: 1024);

    private ManualResetValueTaskSourceCore<bool> _core;

    /// <summary>The task; await it once.</summary>
    public ValueTask Task => new(this, _core.Version);

    public static FlushWaiter Rent() => _pool.Get();

    /// <summary>Resumes the awaiter on this thread. Call this or <see cref="CompleteElsewhere"/>, once.</summary>
    public void Complete() => _core.SetResult(true);

    /// <summary>Resumes the awaiter on a thread of the pool.</summary>
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
