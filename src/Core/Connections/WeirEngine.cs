using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Weir.Diagnostics;
using Weir.Handshake;
using Weir.Limits;
using Weir.Sending;
using Weir.Timing;

namespace Weir.Connections;

/// <summary>What all Weir endpoints of one application share: its meter, its logger and its clock.</summary>
internal sealed class WeirEngine
{
    // Endpoints are declared on listeners and on routes, which only have the application's services in common. A meter
    // must exist once per application, or every reading would be doubled. The key is the scope factory: providers come as
    // several objects, of which each yields that same one.
    private static readonly ConditionalWeakTable<object, WeirEngine> _engines = [];

    public WeirEngine(
        ILoggerFactory? loggers, IMeterFactory? meters, TimeProvider? time, WeirNodeOptions? options = null, LoopTimeProvider? loopTime = null)
    {
        HandshakeResponse.LoadCryptography();
        Logger = (loggers ?? NullLoggerFactory.Instance).CreateLogger(WeirLog.Category);
        Metrics = new WeirMetrics(meters);
        Time = time ?? TimeProvider.System;
        ListenerTime = Time == TimeProvider.System && loopTime is not null ? loopTime : Time;
        Calendar = new Calendar(Time, Logger);
        Options = options ?? new WeirNodeOptions();
        DrainsItself = options is not null;
        Gate = new NodeGate(Options, Time);
        Pressure = new PressureLedger(Options.MaxPendingBytes);
        Metrics.PendingBytes = () => Pressure.Bytes;
        Metrics.DrainRemaining = () => Gate.IsDraining ? Connections.Count : null;
    }

    public ILogger Logger { get; }

    public WeirMetrics Metrics { get; }

    public TimeProvider Time { get; }

    /// <summary>The same for the wheels of listeners, which a transport may drive.</summary>
    public TimeProvider ListenerTime { get; }

    /// <summary>What ends by the wall clock: tokens and grants. A pause of the process does not move it.</summary>
    public Calendar Calendar { get; }

    public WeirNodeOptions Options { get; }

    /// <summary>Whether somebody closes all connections when the application stops: the service that AddWeir brings.</summary>
    public bool DrainsItself { get; }

    /// <summary>Who is let in.</summary>
    public NodeGate Gate { get; }

    /// <summary>Who is in.</summary>
    public ConnectionRegistry Connections { get; } = new();

    /// <summary>What waits for slow clients in the whole node.</summary>
    public PressureLedger Pressure { get; }

    /// <summary>
    /// What else goes down with the connections, over the same window: streams of another kind that a layer above serves.
    /// Filled while the application is built.
    /// </summary>
    public List<Func<TimeSpan, CancellationToken, Task>> AlsoDrains { get; } = [];

    /// <summary>The engine of the application whose services these are. Takes a <see cref="TimeProvider"/> from them if there is one.</summary>
    public static WeirEngine Of(IServiceProvider services)
        => _engines.GetValue(services.GetService<IServiceScopeFactory>() ?? (object)services, _ => new WeirEngine(
            services.GetService<ILoggerFactory>(),
            services.GetService<IMeterFactory>(),
            services.GetService<TimeProvider>(),
            services.GetService<WeirNodeOptions>(),
            services.GetService<LoopTimeProvider>()));
}
