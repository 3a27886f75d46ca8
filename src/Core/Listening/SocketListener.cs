using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Weir.Listening;

/// <summary>A listener of Kestrel's own transport whose backlog is emptied before it is closed.</summary>
internal sealed class SocketListener(IConnectionListener inner, Socket socket, ILogger logger) : IConnectionListener
{
    // Kestrel accepts one after another: its whole backlog of 512 takes some milliseconds.
    private static readonly TimeSpan _lookAgain = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(2);

    public EndPoint EndPoint => inner.EndPoint;

    public ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) => inner.AcceptAsync(cancellationToken);

    /// <summary>The server continues to accept until this completes.</summary>
    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        if (await ListenSocket.HoldOffAsync([socket], EndPoint, logger, cancellationToken).ConfigureAwait(false))
        {
            TimeSpan waited = default;
            while (waited < _longest && HasBacklog() && !cancellationToken.IsCancellationRequested)
            {
                await WaitAsync(_lookAgain, cancellationToken).ConfigureAwait(false);
                waited += _lookAgain;
            }
        }

        await inner.UnbindAsync(cancellationToken).ConfigureAwait(false);
    }

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private bool HasBacklog()
    {
        try
        {
            return socket.Poll(0, SelectMode.SelectRead);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    // A server that must not wait any longer unbinds immediately.
    private static async ValueTask WaitAsync(TimeSpan time, CancellationToken abortToken)
        => await Task.Delay(time, abortToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
