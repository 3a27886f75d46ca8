using Microsoft.Extensions.Hosting;

namespace Weir.Relay.Nodes;

/// <summary>Starts the node before the server listens: hosted services start in their order, the server last.</summary>
internal sealed class RelayService(RelayNode node) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) => node.StartAsync(cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
