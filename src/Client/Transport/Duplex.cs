using Weir.Client.Events;
using Weir.Client.Timing;

namespace Weir.Client.Transport;

/// <summary>Runs the two tasks of a connection, and ends each when the other has ended.</summary>
internal static class Duplex
{
    // Time for written data, and the close frame after it, to be sent.
    private static readonly TimeSpan _closeLimit = TimeSpan.FromSeconds(2);

    /// <summary>Runs both until the connection has ended, and sends a close frame with 1000 when stopped.</summary>
    /// <param name="connection">The connection; disposed at the end.</param>
    /// <param name="time">The clock for the wait for the peer's close frame.</param>
    /// <param name="sendAll">Sends until its token is cancelled or the connection is broken; the receive reports the cause.</param>
    /// <param name="receiveAll">Receives until the connection has ended, or its token is cancelled.</param>
    /// <param name="stop">Cancelled when the client is stopped.</param>
    public static async Task<ConnectionEnd> RunAsync(
        IClientConnection connection,
        TimeProvider time,
        Func<CancellationToken, Task> sendAll,
        Func<CancellationToken, Task<ConnectionEnd>> receiveAll,
        CancellationToken stop)
    {
        using CancellationTokenSource ended = new();
        using CancellationTokenSource stopSending = CancellationTokenSource.CreateLinkedTokenSource(ended.Token, stop);
        Task sending = sendAll(stopSending.Token);
        Task<ConnectionEnd> receiving = receiveAll(ended.Token);
        await Task.WhenAny(receiving, sending, Task.Delay(Timeout.InfiniteTimeSpan, stopSending.Token));
        if (!receiving.IsCompleted)
        {
            // The client was stopped, or a send failed. In both cases the receive soon reports how the connection ended.
            using CancellationTokenSource late = new();
            using RunningTimeout timeout = new(time, late.Cancel);
            timeout.Begin(_closeLimit);
            if (stop.IsCancellationRequested)
            {
                await connection.CloseAsync(1000, "", late.Token);
            }

            await Task.WhenAny(receiving, Task.Delay(Timeout.InfiniteTimeSpan, late.Token));
        }

        await ended.CancelAsync();
        await connection.DisposeAsync(); // ends a send to a peer that does not read
        await sending;
        return await receiving;
    }
}
