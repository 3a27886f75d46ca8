using System.Diagnostics;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using Weir.Threading;

namespace Weir.Transports.Epoll;

/// <summary>
/// The output of one socket. A flush sends on the thread that flushes; bytes that the kernel does not accept are copied aside and
/// sent by the loop when it does, and only then does the flush complete: a writer can rely on what the kernel has.
/// A connection with nothing to send holds no buffer.
/// </summary>
/// <remarks>Threading: one writer at a time, as of any pipe. The loop enters under the lock, for bytes set aside only.</remarks>
internal sealed class EpollWriter(EpollConnection connection) : PipeWriter
{
    // Twice the amount of a sender's flush, so that all bytes written between two flushes leave in one call.
    private const int BlockBytes = 128 * 1024;

    private byte[]? _block;
    private int _written;
    private Backlog? _backlog;
    private bool _isCompleted;
    private LightLock _gate;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _written;

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        return Block(sizeHint).AsMemory(_written);
    }

    public override Span<byte> GetSpan(int sizeHint = 0)
    {
        return Block(sizeHint).AsSpan(_written);
    }

    public override void Advance(int bytes)
    {
        if (bytes < 0 || bytes > (_block?.Length ?? 0) - _written)
        {
            throw new ArgumentOutOfRangeException(nameof(bytes), "More than the buffer that GetMemory or GetSpan returned.");
        }

        _written += bytes;
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<FlushResult>(cancellationToken); // the written bytes wait for the next flush
        }

        try
        {
            return SendAsync(_block.AsSpan(0, _written), cancellationToken);
        }
        finally
        {
            ReturnBlock();
        }
    }

    /// <summary>As the base method; if no other bytes are waiting, sends them without a copy.</summary>
    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        if (_written > 0)
        {
            return base.WriteAsync(source, cancellationToken);
        }

        ThrowIfCompleted();
        return SendAsync(source.Span, cancellationToken);
    }

    public override void CancelPendingFlush()
    {
        Backlog? backlog;
        using (_gate.Hold(this))
        {
            backlog = _backlog ??= new Backlog();
            if (!backlog.TryCancelInsideLock())
            {
                return;
            }
        }

        backlog.Complete(new FlushResult(isCanceled: true, isCompleted: false), asynchronously: true);
    }

    public override void Complete(Exception? exception = null)
    {
        if (_isCompleted)
        {
            return;
        }

        if (_written > 0 && exception is null)
        {
            using (_gate.Hold(this))
            {
                SendInsideLock(_block.AsSpan(0, _written));
            }
        }

        _isCompleted = true;
        ReturnBlock();
    }

    /// <summary>
    /// Completes when the kernel has accepted everything, or the connection has ended; independent of a pending flush.
    /// </summary>
    public Task DrainAsync()
    {
        using (_gate.Hold(this))
        {
            return _backlog?.EmptiedInsideLock() ?? Task.CompletedTask;
        }
    }

    /// <summary>Prevents sending, so that the descriptor can be examined, or closed.</summary>
    public LightLock.Holder Hold() => _gate.Hold(this);

    /// <summary>The socket accepts bytes again. On the loop's thread.</summary>
    public void OnWritable()
    {
        // By far the most events report it along with other flags. A send that found the kernel full before this event has recorded
        // it, or still holds the gate.
        if (!_gate.IsHeld && _backlog is null)
        {
            return;
        }

        Backlog? backlog;
        using (_gate.Hold(this))
        {
            backlog = _backlog;
            if (backlog is null || backlog.IsEmpty)
            {
                return;
            }

            Flush(backlog);
            if (!backlog.IsEmpty || !backlog.TryWakeInsideLock())
            {
                return;
            }
        }

        backlog.Complete(new FlushResult(isCanceled: false, isCompleted: connection.HasFailed), asynchronously: !connection.RunInline);
    }

    /// <summary>The connection was aborted: no bytes are sent any more, and a pending flush ends. Thread-safe.</summary>
    public void Fail()
    {
        Backlog? backlog;
        using (_gate.Hold(this))
        {
            backlog = _backlog;
            if (backlog is null)
            {
                return;
            }

            backlog.Clear(connection.Arrays);
            if (!backlog.TryWakeInsideLock())
            {
                return;
            }
        }

        backlog.Complete(new FlushResult(isCanceled: false, isCompleted: true), asynchronously: true);
    }

    // There is one only while the writer is open.
    private byte[] Block(int sizeHint)
        => _block is { } block && (uint)sizeHint < (uint)(block.Length - _written) ? block : LargerBlock(sizeHint);

    private byte[] LargerBlock(int sizeHint)
    {
        ThrowIfCompleted();
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        int needed = Math.Max(sizeHint, 1);
        byte[] larger;
        if (_block is null)
        {
            larger = connection.Arrays.Rent(Math.Max(needed, BlockBytes));
        }
        else
        {
            larger = connection.Arrays.Rent(Math.Max(checked(_written + needed), _block.Length * 2));
            _block.AsSpan(0, _written).CopyTo(larger);
            connection.Arrays.Return(_block);
        }

        return _block = larger;
    }

    private void ReturnBlock()
    {
        if (_block is { } block)
        {
            _block = null;
            _written = 0;
            connection.Arrays.Return(block);
        }
    }

    private ValueTask<FlushResult> SendAsync(ReadOnlySpan<byte> bytes, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<FlushResult>(cancellationToken);
        }

        ValueTask<FlushResult> pending;
        Backlog backlog;
        using (_gate.Hold(this))
        {
            SendInsideLock(bytes);
            if (_backlog is null || (_backlog.IsEmpty && !_backlog.IsCanceled))
            {
                return new ValueTask<FlushResult>(new FlushResult(isCanceled: false, isCompleted: connection.HasFailed));
            }

            backlog = _backlog;
            if (backlog.TakeCancellationInsideLock())
            {
                return new ValueTask<FlushResult>(new FlushResult(isCanceled: true, isCompleted: false));
            }

            pending = backlog.WaitInsideLock();
        }

        if (cancellationToken.CanBeCanceled)
        {
            backlog.Cancellation = cancellationToken.UnsafeRegister(static (state, token) => ((EpollWriter)state!).OnCanceled(token), this);
        }

        return pending;
    }

    private void OnCanceled(CancellationToken cancellationToken)
    {
        Backlog backlog = _backlog!;
        using (_gate.Hold(this))
        {
            if (!backlog.TryWakeInsideLock())
            {
                return;
            }
        }

        backlog.Fail(new OperationCanceledException(cancellationToken));
    }

    private void SendInsideLock(ReadOnlySpan<byte> bytes)
    {
        if (connection.HasFailed)
        {
            return;
        }

        if (_backlog is { IsEmpty: false } waiting)
        {
            waiting.Append(bytes, connection.Arrays); // after a canceled flush: earlier bytes go first
            return;
        }

        int sent = Send(bytes);
        if (sent < bytes.Length && !connection.HasFailed)
        {
            (_backlog ??= new Backlog()).Append(bytes[sent..], connection.Arrays);
        }
    }

    private void Flush(Backlog backlog)
    {
        Debug.Assert(_gate.IsHeld);
        backlog.Advance(Send(backlog.Bytes), connection.Arrays);
        if (connection.HasFailed)
        {
            backlog.Clear(connection.Arrays);
        }
    }

    // Returns how much the kernel accepted: all, or until it was full, and then an event follows when it is not.
    private unsafe int Send(ReadOnlySpan<byte> bytes)
    {
        int sent = 0;
        while (sent < bytes.Length)
        {
            nint taken;
            fixed (byte* source = bytes[sent..])
            {
                taken = connection.Send(source, bytes.Length - sent);
            }

            if (taken < 0)
            {
                int errno = Marshal.GetLastPInvokeError();
                if (errno == Libc.Errno.TryAgain)
                {
                    break;
                }

                if (errno != Libc.Errno.Interrupted)
                {
                    connection.FailBecause("send", errno);
                    break;
                }
            }
            else
            {
                sent += (int)taken;
            }
        }

        return sent;
    }

    private void ThrowIfCompleted()
    {
        if (_isCompleted)
        {
            throw new InvalidOperationException("Writing is not allowed after the writer was completed.");
        }
    }
}
