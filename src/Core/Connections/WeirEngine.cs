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

    // A node without AddWeir: no limits, no proxies, and Kestrel closes all immediately when the application stops.
    private static readonly NodeSettings _unlimited = new(
        new GateSettings(0, 0, 0, 0), new ProxyTrust([], UnixSockets: false), MaxPendingBytes: 0, DrainWindow: TimeSpan.Zero);

    private readonly Lock _gate = new();
    private readonly List<Func<TimeSpan, CancellationToken, Task>> _drains = [];

    public WeirEngine(
        ILoggerFactory? loggers, IMeterFactory? meters, TimeProvider? time,
        NodeSettings? settings = null, LoopTimeProvider? loopTime = null)
    {
        HandshakeResponse.LoadCryptography();
        Metrics = new WeirMetrics(meters);
        Time = time ?? TimeProvider.System;
        Logger = (loggers ?? NullLoggerFactory.Instance).CreateLimitedLogger(WeirLog.Category, Time);
        ListenerTime = Time == TimeProvider.System && loopTime is not null ? loopTime : Time;
        Calendar = new Calendar(Time, Logger);
        Settings = settings ?? _unlimited;
        DrainsItself = settings is not null;
        Gate = new NodeGate(Settings.Gate, Time);
        Pressure = new PressureLedger(Settings.MaxPendingBytes);
        Metrics.PendingBytes = () => Pressure.Bytes;
        Metrics.DrainRemaining = () => Gate.IsDraining ? Connections.Count : null;
    }

    /// <summary>The engine's log: a warning for each of many connections is one line per second.</summary>
    public ILogger Logger { get; }

    public WeirMetrics Metrics { get; }

    public TimeProvider Time { get; }

    /// <summary>The same for the wheels of listeners, which a transport may drive.</summary>
    public TimeProvider ListenerTime { get; }

    /// <summary>What ends by the wall clock: tokens and grants. A pause of the process does not move it.</summary>
    public Calendar Calendar { get; }

    public NodeSettings Settings { get; }

    /// <summary>Whether the service of AddWeir closes all connections when the application stops.</summary>
    public bool DrainsItself { get; }

    /// <summary>Admits connections.</summary>
    public NodeGate Gate { get; }

    /// <summary>The open connections.</summary>
    public ConnectionRegistry Connections { get; } = new();

    /// <summary>The bytes that wait for slow clients on the whole node.</summary>
    public PressureLedger Pressure { get; }

    /// <summary>Drains that run with that of the connections, over the same window.</summary>
    public IReadOnlyList<Func<TimeSpan, CancellationToken, Task>> DrainParticipants
    {
        get
        {
            lock (_gate)
            {
                return [.. _drains];
            }
        }
    }

    public void AddDrain(Func<TimeSpan, CancellationToken, Task> drain)
    {
        lock (_gate)
        {
            _drains.Add(drain);
        }
    }

    /// <summary>Returns the engine of the application with these services, and with their <see cref="TimeProvider"/> if any.</summary>
    public static WeirEngine Of(IServiceProvider services)
        => _engines.GetValue(services.GetService<IServiceScopeFactory>() ?? (object)services, _ => new WeirEngine(
            services.GetService<ILoggerFactory>(),
            services.GetService<IMeterFactory>(),
            services.GetService<TimeProvider>(),
            services.GetService<NodeSettings>(),
            services.GetService<LoopTimeProvider>()));
}
