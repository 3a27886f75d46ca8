namespace Weir.Client.Transport;

/// <summary>The two tasks of a connection, and how one ends when the other has.</summary>
internal static class Duplex
{
    // For what was written to reach the wire, and the Close behind it.
    private static readonly TimeSpan _closeLimit = TimeSpan.FromSeconds(2);

    /// <summary>Runs both until the connection has ended, and says goodbye with 1000 when told to stop.</summary>
    /// <param name="connection">The connection; cut at the end.</param>
    /// <param name="time">For how long to wait for the other side's Close.</param>
    /// <param name="sendAll">Sends until its token says so or the connection is broken; the receive finds out how.</param>
    /// <param name="receiveAll">Receives until the connection has ended, or its token cuts it.</param>
    /// <param name="stop">The user wants no more.</param>
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
            // We were told to stop, or the connection broke under a send. In both cases the receive says soon what else came.
            using CancellationTokenSource late = new(_closeLimit, time);
            if (stop.IsCancellationRequested)
            {
                await connection.CloseAsync(1000, "", late.Token);
            }

            await Task.WhenAny(receiving, Task.Delay(Timeout.InfiniteTimeSpan, late.Token));
        }

        await ended.CancelAsync();
        await connection.DisposeAsync(); // ends a send to a peer that takes nothing
        await sending;
        return await receiving;
    }
}
