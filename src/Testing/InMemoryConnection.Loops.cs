using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace Weir.Testing;

// The stand-in for the socket: one loop carries bytes each way, and the first to end shuts the other down.
public partial class InMemoryConnection
{
    private async Task ReceiveLoopAsync()
    {
        Exception? error = null;
        try
        {
            await CopyAsync(_toServer.Reader, _input.Writer);
        }
        catch (Exception clientError)
        {
            // The client completed its end with an exception: the server's read throws it.
            error = clientError;
        }

        await _input.Writer.CompleteAsync(DownReason ?? error);
        await _toServer.Reader.CompleteAsync();

        // Never inline: the caller of an abort may hold a lock that the token's callbacks take.
        ThreadPool.UnsafeQueueUserWorkItem(
            static connection =>
            {
                connection._closed.Cancel();
                connection._closedFired.SetResult();
            },
            this,
            preferLocal: false);
    }

    private async Task SendLoopAsync()
    {
        Exception reason;
        try
        {
            reason = await CopyAsync(_output.Reader, _toClient.Writer)
                ? new ConnectionResetException("The client no longer reads.")
                : new ConnectionAbortedException("The send loop completed gracefully.");
        }
        catch (Exception serverError)
        {
            // The server completed its output with an exception.
            reason = serverError;
        }

        await _toClient.Writer.CompleteAsync();
        Shutdown(reason);
        await _output.Reader.CompleteAsync();
    }

    /// <returns>True if the destination's reader has completed; false at the source's end or if cancelled.</returns>
    private static async Task<bool> CopyAsync(PipeReader source, PipeWriter destination)
    {
        while (true)
        {
            ReadResult read = await source.ReadAsync();
            if (read.IsCanceled)
            {
                return false;
            }

            FlushResult flush = default;
            if (!read.Buffer.IsEmpty)
            {
                foreach (ReadOnlyMemory<byte> segment in read.Buffer)
                {
                    destination.Write(segment.Span);
                }

                flush = await destination.FlushAsync();
            }

            // Not consumed first: the writer's pending flush would end as if its bytes had been sent.
            if (flush.IsCompleted || flush.IsCanceled)
            {
                return flush.IsCompleted;
            }

            source.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return false;
            }
        }
    }

    private Exception? DownReason
    {
        get
        {
            lock (_lock)
            {
                return _shutdownReason ?? _resetReason;
            }
        }
    }

    /// <summary>Shuts both directions down; the server reads the first reason.</summary>
    private void Shutdown(Exception reason)
    {
        lock (_lock)
        {
            if (_shutdownReason is not null)
            {
                return;
            }

            _shutdownReason = reason;
        }

        OnDown();
        _toServer.Reader.CancelPendingRead();
        _input.Writer.CancelPendingFlush();
        _output.Reader.CancelPendingRead();
        _toClient.Writer.CancelPendingFlush();
    }
}
