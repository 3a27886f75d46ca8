using System.Net.Sockets;
using Weir.TestSupport.Servers;

namespace Weir.Chaos.Matrix;

/// <summary>
/// A TCP load balancer on loopback in front of the fleet: each new connection goes to the next node that accepts it. Faults of
/// clients are made here, so that they are the same for clients of every protocol.
/// </summary>
internal sealed class LoadBalancer : TcpForwarder
{
    private readonly Fleet _fleet;
    private readonly Func<int, Uri> _addressOf;
    private Task _released = Task.CompletedTask;
    private int _next;

    /// <param name="fleet">The nodes.</param>
    /// <param name="addressOf">Where a node is connected to.</param>
    public LoadBalancer(Fleet fleet, Func<int, Uri> addressOf)
    {
        (_fleet, _addressOf) = (fleet, addressOf);
        Start();
    }

    /// <summary>Resets every connection of a client.</summary>
    public void ResetClients() => Close(timeout: 0);

    /// <summary>Passes no data on for a while, in either direction, and loses none: clients that neither read nor answer.</summary>
    public Task HoldClientsAsync(TimeSpan time)
    {
        Task released = Task.Delay(time, TimeProvider.System, CancellationToken.None);
        Volatile.Write(ref _released, released);
        return released;
    }

    protected override Task MayPassAsync() => Volatile.Read(ref _released);

    protected override async Task<Socket?> ConnectAsync(CancellationToken end)
    {
        for (int attempt = 0; attempt < _fleet.Count; attempt++)
        {
            try
            {
                return await ConnectToAsync(_addressOf(Interlocked.Increment(ref _next) & int.MaxValue).Port, end);
            }
            catch (SocketException)
            {
                // This node is down: the next one.
            }
        }

        return null;
    }
}
