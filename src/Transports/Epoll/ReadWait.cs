using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace Weir.Transports.Epoll;

/// <summary>The state of a read that is awaited as a task; created for the first, since many connections never have one.</summary>
internal sealed class ReadWait(EpollReader reader) : IValueTaskSource<ReadResult>
{
    private ManualResetValueTaskSourceCore<bool> _source;
    private CancellationTokenRegistration _cancellation;

    /// <summary>The task of the next read. After <see cref="Reset"/> it can be completed.</summary>
    public ValueTask<ReadResult> Task => new(this, _source.Version);

    public void Reset() => _source.Reset();

    /// <summary>The token ends the read if it is still pending; called after <see cref="Task"/>.</summary>
    public void Register(CancellationToken cancellationToken)
    {
        if (cancellationToken.CanBeCanceled)
        {
            _cancellation = cancellationToken.UnsafeRegister(static (state, token) => ((EpollReader)state!).OnCanceled(token), reader);
        }
    }

    public void Complete(bool asynchronously)
    {
        _source.RunContinuationsAsynchronously = asynchronously;
        _source.SetResult(true);
    }

    public void Fail(Exception error)
    {
        _source.RunContinuationsAsynchronously = true;
        _source.SetException(error);
    }

    ReadResult IValueTaskSource<ReadResult>.GetResult(short token)
    {
        _source.GetResult(token);
        _cancellation.Dispose();
        _cancellation = default;
        return reader.TakeResult();
    }

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<ReadResult>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _source.OnCompleted(continuation, state, token, flags);
}
