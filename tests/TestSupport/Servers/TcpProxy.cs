using System.Net.Sockets;

namespace Weir.TestSupport.Servers;

/// <summary>
/// Stands between a node and a server, and can act like a firewall that drops its connection table: data is not passed on any
/// more, in one direction or both, and neither end is notified. Connections made later work.
/// </summary>
public sealed class TcpProxy : TcpForwarder
{
    private readonly Lock _gate = new();
    private readonly int _target;
    private CancellationTokenSource _requests = new();
    private CancellationTokenSource _answers = new();

    private TcpProxy(int target)
    {
        _target = target;
        Start();
    }

    public string Address => $"127.0.0.1:{Port}";

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

    protected override async Task<Socket?> ConnectAsync(CancellationToken end)
    {
        try
        {
            return await ConnectToAsync(_target, end);
        }
        catch (SocketException)
        {
            return null;
        }
    }

    protected override (CancellationToken Requests, CancellationToken Answers) Stops()
    {
        lock (_gate)
        {
            return (_requests.Token, _answers.Token);
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
}
