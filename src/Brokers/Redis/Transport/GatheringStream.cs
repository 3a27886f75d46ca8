using System.Buffers;

namespace Weir.Brokers.Redis.Transport;

/// <summary>
/// Batches writes while other work waits for the thread pool, and sends them with one system call. The library flushes after
/// each command; at thousands of publishes a second, each started when an earlier one was answered, that is a third of their
/// cost (docs/internals/benchmarks.md).
/// </summary>
/// <remarks>
/// The library writes one at a time, also while a send is in progress. A write completes when it is in the batch; the next one
/// throws a failure to send, and the end of the socket ends the reading. Beyond a bound a write waits.
/// </remarks>
internal sealed class GatheringStream(Stream inner) : Stream, IThreadPoolWorkItem
{
    /// <summary>The bound of a batch ahead of the socket.</summary>
    private const int MaxGathered = 1 << 20;

    private readonly Lock _gate = new();
    private ArrayBufferWriter<byte> _gathering = new();
    private ArrayBufferWriter<byte> _sending = new();
    private TaskCompletionSource? _drained;
    private Exception? _failure;
    private bool _isSending;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

    public override int Read(Span<byte> buffer) => inner.Read(buffer);

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        => inner.ReadAsync(buffer, cancellationToken);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => inner.ReadAsync(buffer, offset, count, cancellationToken);

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer) => Gather(buffer).GetAwaiter().GetResult();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => Gather(buffer.AsSpan(offset, count)).WaitAsync(cancellationToken);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Task gathered = Gather(buffer.Span);
        return gathered.IsCompletedSuccessfully ? ValueTask.CompletedTask : new ValueTask(gathered.WaitAsync(cancellationToken));
    }

    public override void Flush()
    {
        // The batch is sent automatically.
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    void IThreadPoolWorkItem.Execute() => _ = SendAsync();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
            Fail(new ObjectDisposedException(nameof(GatheringStream)));
        }

        base.Dispose(disposing);
    }

    private Task Gather(ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            if (_failure is not null)
            {
                return Task.FromException(new IOException("The connection to Redis is broken.", _failure));
            }

            _gathering.Write(bytes);
            if (!_isSending)
            {
                _isSending = true;
                // After the work that is queued already, which may have more to send.
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            }

            if (_gathering.WrittenCount <= MaxGathered)
            {
                return Task.CompletedTask;
            }

            _drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _drained.Task;
        }
    }

    private async Task SendAsync()
    {
        try
        {
            while (true)
            {
                TaskCompletionSource? drained;
                lock (_gate)
                {
                    if (_gathering.WrittenCount == 0 || _failure is not null)
                    {
                        _isSending = false;
                        return;
                    }

                    (_gathering, _sending) = (_sending, _gathering);
                    drained = _drained;
                    _drained = null;
                }

                drained?.TrySetResult();
                await inner.WriteAsync(_sending.WrittenMemory);
                _sending.ResetWrittenCount();
            }
        }
        catch (Exception error)
        {
            Fail(error);
        }
    }

    private void Fail(Exception reason)
    {
        TaskCompletionSource? drained;
        lock (_gate)
        {
            _failure ??= reason;
            drained = _drained;
            _drained = null;
        }

        drained?.TrySetException(new IOException("The connection to Redis is broken.", reason));
    }
}
