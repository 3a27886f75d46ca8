using System.Buffers;
using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace Weir.Transports.Epoll;

/// <summary>
/// Bytes that the kernel did not accept, and the flush that waits for them. Created when a connection stalls for the first
/// time. All members but <see cref="Complete"/> and <see cref="Fail"/> are called under its writer's lock.
/// </summary>
internal sealed class Backlog : IValueTaskSource<FlushResult>
{
    private ManualResetValueTaskSourceCore<FlushResult> _flush;
    private byte[]? _bytes;
    private int _start;
    private int _end;
    private bool _isWaiting;
    private TaskCompletionSource? _emptied;

    /// <summary>Whether a flush was canceled before it began.</summary>
    public bool IsCanceled { get; private set; }

    public bool IsEmpty => _bytes is null;

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(_start, _end - _start);

    public CancellationTokenRegistration Cancellation { get; set; }

    public void Append(ReadOnlySpan<byte> bytes, ArrayPool<byte> arrays)
    {
        if (bytes.IsEmpty)
        {
            return;
        }

        if (_bytes is null || _bytes.Length - _end < bytes.Length)
        {
            byte[] larger = arrays.Rent(checked(_end - _start + bytes.Length));
            Bytes.CopyTo(larger);
            if (_bytes is { } old)
            {
                arrays.Return(old);
            }

            _bytes = larger;
            _end -= _start;
            _start = 0;
        }

        bytes.CopyTo(_bytes.AsSpan(_end));
        _end += bytes.Length;
    }

    public void Advance(int bytes, ArrayPool<byte> arrays)
    {
        _start += bytes;
        if (_start == _end)
        {
            Clear(arrays);
        }
    }

    public void Clear(ArrayPool<byte> arrays)
    {
        if (_bytes is { } bytes)
        {
            _bytes = null;
            arrays.Return(bytes);
        }

        _start = _end = 0;
        _emptied?.TrySetResult();
    }

    /// <summary>Completes when the backlog is empty. For the end of a connection: no bytes are added then.</summary>
    public Task EmptiedInsideLock()
    {
        if (IsEmpty)
        {
            return Task.CompletedTask;
        }

        _emptied ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return _emptied.Task;
    }

    public ValueTask<FlushResult> WaitInsideLock()
    {
        if (_isWaiting)
        {
            throw new InvalidOperationException("A flush is in progress already: one at a time.");
        }

        _flush.Reset();
        _isWaiting = true;
        return new ValueTask<FlushResult>(this, _flush.Version);
    }

    /// <summary>Returns true to the one caller that must complete the pending flush.</summary>
    public bool TryWakeInsideLock()
    {
        bool was = _isWaiting;
        _isWaiting = false;
        return was;
    }

    /// <summary>As <see cref="TryWakeInsideLock"/>; if no flush is pending, the next one is canceled.</summary>
    public bool TryCancelInsideLock()
    {
        IsCanceled = !_isWaiting;
        return TryWakeInsideLock();
    }

    public bool TakeCancellationInsideLock()
    {
        bool was = IsCanceled;
        IsCanceled = false;
        return was;
    }

    public void Complete(FlushResult result, bool asynchronously)
    {
        _flush.RunContinuationsAsynchronously = asynchronously;
        _flush.SetResult(result);
    }

    public void Fail(Exception error)
    {
        _flush.RunContinuationsAsynchronously = true;
        _flush.SetException(error);
    }

    FlushResult IValueTaskSource<FlushResult>.GetResult(short token)
    {
        Cancellation.Dispose();
        Cancellation = default;
        return _flush.GetResult(token);
    }

    ValueTaskSourceStatus IValueTaskSource<FlushResult>.GetStatus(short token) => _flush.GetStatus(token);

    void IValueTaskSource<FlushResult>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _flush.OnCompleted(continuation, state, token, flags);
}
