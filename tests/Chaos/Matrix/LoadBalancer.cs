using System.Net;
using System.Net.Sockets;

namespace Weir.Chaos.Matrix;

/// <summary>
/// A TCP load balancer on loopback in front of the fleet: each new connection goes to the next node that takes it. What befalls
/// clients is done here, so that it is the same for clients of every protocol.
/// </summary>
internal sealed class LoadBalancer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly HashSet<Socket> _sockets = [];
    private readonly Lock _gate = new();
    private readonly Fleet _fleet;
    private readonly Task _accepting;
    private TaskCompletionSource _released = new();
    private int _next;

    public LoadBalancer(Fleet fleet)
    {
        _fleet = fleet;
        _released.SetResult();
        _listener.Start(backlog: 512);
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Resets every connection of a client.</summary>
    public void CutClients()
    {
        lock (_gate)
        {
            foreach (Socket socket in _sockets)
            {
                socket.Close(timeout: 0);
            }

            _sockets.Clear();
        }
    }

    /// <summary>Passes nothing on for a while, in either direction, and loses nothing: clients that neither read nor answer.</summary>
    public async Task HoldClientsAsync(TimeSpan time)
    {
        TaskCompletionSource released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _released, released);
        await Task.Delay(time, TimeProvider.System, CancellationToken.None);
        released.SetResult();
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        _released.TrySetResult();
        await _accepting;
        CutClients();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket client = await _listener.AcceptSocketAsync(_end.Token);
                Track(client);
                _ = ServeAsync(client);
            }
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }

    private async Task ServeAsync(Socket client)
    {
        for (int attempt = 0; attempt < _fleet.Count; attempt++)
        {
            Socket node = new(SocketType.Stream, ProtocolType.Tcp);
            try
            {
                Uri address = _fleet.AddressOf(Interlocked.Increment(ref _next) & int.MaxValue);
                await node.ConnectAsync(IPAddress.Loopback, address.Port, _end.Token);
                Track(node);
                await Task.WhenAll(PassAsync(client, node), PassAsync(node, client));
                break;
            }
            catch (Exception error) when (error is SocketException or OperationCanceledException)
            {
                node.Dispose(); // this node is down: the next one
            }
        }

        Untrack(client);
    }

    private async Task PassAsync(Socket from, Socket to)
    {
        byte[] buffer = new byte[16 << 10];
        try
        {
            int read;
            while ((read = await from.ReceiveAsync(buffer, _end.Token)) > 0)
            {
                await Volatile.Read(ref _released).Task;
                await to.SendAsync(buffer.AsMemory(0, read), _end.Token);
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            Untrack(from);
            Untrack(to);
        }
    }

    private void Track(Socket socket)
    {
        lock (_gate)
        {
            _sockets.Add(socket);
        }
    }

    private void Untrack(Socket socket)
    {
        lock (_gate)
        {
            _sockets.Remove(socket);
        }

        socket.Dispose();
    }
}
