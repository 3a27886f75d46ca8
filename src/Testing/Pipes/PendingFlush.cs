using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace Weir.Testing.Pipes;

/// <summary>
/// A flush that a <see cref="StallingPipeWriter"/> holds up. Like a pipe's it may be awaited once, by one awaiter.
/// </summary>
internal sealed class PendingFlush : IValueTaskSource<FlushResult>
{
    private readonly Action<string> _report;
    private ManualResetValueTaskSourceCore<FlushResult> _core = new() { RunContinuationsAsynchronously = true };
    private int _awaiters;

    public PendingFlush(byte[] bytes, Action<string> report)
    {
        Bytes = bytes;
        _report = report;
    }

    /// <summary>The bytes to be sent, as they were when the flush began.</summary>
    public byte[] Bytes { get; }

    /// <summary>Ends the wait when the flush's own token is cancelled; disposed with the flush.</summary>
    public CancellationTokenRegistration Cancellation { get; set; }

    public ValueTask<FlushResult> Task => new(this, _core.Version);

    public void Complete(FlushResult result) => _core.SetResult(result);

    public void Fail(Exception error) => _core.SetException(error);

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        if (Interlocked.Increment(ref _awaiters) > 1)
        {
            _report("A pending flush was awaited twice.");
            throw new InvalidOperationException("A pending flush was awaited twice.");
        }

        _core.OnCompleted(continuation, state, token, flags);
    }

    public FlushResult GetResult(short token) => _core.GetResult(token);
}
