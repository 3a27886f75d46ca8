using System.Runtime.InteropServices;
using Microsoft.Extensions.Hosting;

namespace Weir.Connections;

/// <summary>
/// Drains the node when the host stops, before Kestrel does: Kestrel closes everything at once. A second SIGTERM or Ctrl+C
/// meanwhile ends it.
/// </summary>
internal sealed class DrainService(WeirNode node, WeirNodeOptions options) : IHostedLifecycleService
{
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource hurry = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        void Hurry(PosixSignalContext signal)
        {
            signal.Cancel = true;
            hurry.Cancel();
        }

        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Hurry);
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Hurry);
        await node.DrainAsync(options.DrainWindow, hurry.Token).ConfigureAwait(false);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
