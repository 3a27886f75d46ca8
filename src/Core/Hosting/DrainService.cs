using System.Runtime.InteropServices;
using Microsoft.Extensions.Hosting;
using Weir.Connections;

namespace Weir.Hosting;

/// <summary>
/// Drains the node when the host stops, before Kestrel does: Kestrel closes all connections immediately. A second SIGTERM or Ctrl+C
/// meanwhile ends it.
/// </summary>
internal sealed class DrainService(WeirEngine engine) : IHostedLifecycleService
{
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource abort = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        void Abort(PosixSignalContext signal)
        {
            signal.Cancel = true;
            abort.Cancel();
        }

        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Abort);
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Abort);
        await Drain.RunNodeAsync(engine, engine.Settings.DrainWindow, abort.Token).ConfigureAwait(false);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
