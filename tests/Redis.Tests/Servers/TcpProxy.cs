using System.Net;
using System.Net.Sockets;

namespace Weir.Redis.Tests.Servers;

/// <summary>
/// Stands between a node and a server, and can do what a firewall does that forgets its connections: nothing is passed on any
/// more, in either direction, and neither end is told. Connections made later work.
/// </summary>
internal sealed class TcpProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly List<Socket> _sockets = [];
    private readonly Lock _gate = new();
    private readonly int _target;
    private readonly Task _accepting;
    private CancellationTokenSource _requests = new();
    private CancellationTokenSource _answers = new();

    private TcpProxy(int target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>How many have connected.</summary>
    public int Connections { get; private set; }

    public string Address => _listener.LocalEndpoint.ToString()!;

    public static TcpProxy Start(int target) => new(target);

    /// <summary>Stops passing on what comes on the connections there are.</summary>
    public void Freeze()
    {
        Freeze(ref _requests);
        Freeze(ref _answers);
    }

    /// <summary>Stops passing on what the node sends on the connections there are; what the server sends still arrives.</summary>
    public void FreezeRequests() => Freeze(ref _requests);

    /// <summary>Stops passing on what the server sends on the connections there are; what the node sends still arrives.</summary>
    public void FreezeAnswers() => Freeze(ref _answers);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        await _accepting;
        lock (_gate)
        {
            _sockets.ForEach(static socket => socket.Dispose());
        }
    }

    private void Freeze(ref CancellationTokenSource direction)
    {
        CancellationTokenSource before;
        lock (_gate)
        {
            before = direction;
            direction = new CancellationTokenSource();
        }

        before.Cancel();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket near = await _listener.AcceptSocketAsync(_end.Token);
                Connections++;
                Socket far = new(SocketType.Stream, ProtocolType.Tcp);
                CancellationToken requests;
                CancellationToken answers;
                lock (_gate)
                {
                    _sockets.AddRange([near, far]);
                    requests = _requests.Token;
                    answers = _answers.Token;
                }

                try
                {
                    await far.ConnectAsync(IPAddress.Loopback, _target, _end.Token);
                    _ = PassAsync(near, far, requests);
                    _ = PassAsync(far, near, answers);
                }
                catch (SocketException)
                {
                    near.Close(); // as the server would
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }

    private async Task PassAsync(Socket from, Socket to, CancellationToken frozen)
    {
        byte[] buffer = new byte[16 << 10];
        try
        {
            while (true)
            {
                int read = await from.ReceiveAsync(buffer, frozen);
                if (read == 0)
                {
                    to.Shutdown(SocketShutdown.Send);
                    return;
                }

                await to.SendAsync(buffer.AsMemory(0, read), frozen);
            }
        }
        catch (OperationCanceledException)
        {
            // Frozen: both sockets stay as they are, and say nothing.
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // One end is gone: the other is told.
            from.Dispose();
            to.Dispose();
        }
    }
}
