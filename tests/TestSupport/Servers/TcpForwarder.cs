using System.Net;
using System.Net.Sockets;

namespace Weir.TestSupport.Servers;

/// <summary>
/// Accepts connections on a free port of the loopback interface, and passes bytes between each and another. The derived class connects
/// the other, and may hold up or end what is passed on.
/// </summary>
public abstract class TcpForwarder : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly HashSet<Socket> _sockets = [];
    private readonly Lock _gate = new();
    private Task _accepting = Task.CompletedTask;

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>How many have connected.</summary>
    public int Connections { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        await _accepting;
        Close(timeout: -1);
        GC.SuppressFinalize(this);
    }

    /// <summary>To be called once, when all that the derived class needs is there.</summary>
    protected void Start()
    {
        _listener.Start(backlog: 512);
        _accepting = AcceptAsync();
    }

    /// <summary>Connects the other end. Returns <c>null</c> if it cannot be reached; then the near end is closed, as it would do.</summary>
    protected abstract Task<Socket?> ConnectAsync(CancellationToken end);

    /// <summary>
    /// Returns the tokens that stop the two directions of a connection that has just been accepted; after that both sockets stay open in
    /// silence.
    /// </summary>
    protected virtual (CancellationToken Requests, CancellationToken Answers) Stops() => default;

    /// <summary>Waits until bytes that have arrived may be passed on.</summary>
    protected virtual Task MayPassAsync() => Task.CompletedTask;

    /// <summary>Connects a socket to a port of the loopback interface.</summary>
    protected static async Task<Socket> ConnectToAsync(int port, CancellationToken end)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port, end);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Closes all connections there are.</summary>
    /// <param name="timeout">0: with a reset; -1: as the system does.</param>
    protected void Close(int timeout)
    {
        lock (_gate)
        {
            foreach (Socket socket in _sockets)
            {
                socket.Close(timeout);
            }

            _sockets.Clear();
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket near = await _listener.AcceptSocketAsync(_end.Token);
                Connections++;
                _ = ServeAsync(near, Stops());
            }
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }

    private async Task ServeAsync(Socket near, (CancellationToken Requests, CancellationToken Answers) stops)
    {
        Track(near);
        try
        {
            if (await ConnectAsync(_end.Token) is not { } far)
            {
                Untrack(near);
                return;
            }

            Track(far);
            bool[] isEnded = await Task.WhenAll(PassAsync(near, far, stops.Requests), PassAsync(far, near, stops.Answers));
            if (isEnded is [true, true])
            {
                Untrack(near);
                Untrack(far);
            }
        }
        catch (OperationCanceledException)
        {
            Untrack(near); // the end
        }
    }

    // Returns whether the direction has ended; false: it was stopped.
    private async Task<bool> PassAsync(Socket from, Socket to, CancellationToken stop)
    {
        byte[] buffer = new byte[16 << 10];
        try
        {
            int read;
            while ((read = await from.ReceiveAsync(buffer, stop)) > 0)
            {
                await MayPassAsync();
                await to.SendAsync(buffer.AsMemory(0, read), stop);
            }

            to.Shutdown(SocketShutdown.Send);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            Untrack(from); // one end is closed: so is the other
            Untrack(to);
            return true;
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
