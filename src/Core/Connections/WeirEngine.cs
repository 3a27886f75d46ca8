using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Weir.Diagnostics;
using Weir.Sending;

namespace Weir.Connections;

/// <summary>What all Weir endpoints of one application share: its meter, its logger and its clock.</summary>
internal sealed class WeirEngine
{
    // Endpoints are declared on listeners and on routes, which only have the service provider in common. A meter must
    // exist once per application, or every reading would be doubled.
    private static readonly ConditionalWeakTable<IServiceProvider, WeirEngine> _engines = [];

    public WeirEngine(ILoggerFactory? loggers, IMeterFactory? meters, TimeProvider? time)
    {
        Logger = (loggers ?? NullLoggerFactory.Instance).CreateLogger(WeirLog.Category);
        Metrics = new WeirMetrics(meters);
        Time = time ?? TimeProvider.System;
        Pressure = new PressureLedger(0);
        Metrics.PendingBytes = () => Pressure.Bytes;
    }

    public ILogger Logger { get; }

    public WeirMetrics Metrics { get; }

    public TimeProvider Time { get; }

    /// <summary>What waits for slow clients in the whole node.</summary>
    public PressureLedger Pressure { get; }

    /// <summary>The engine of the application whose services these are. Takes a <see cref="TimeProvider"/> from them if there is one.</summary>
    public static WeirEngine Of(IServiceProvider services) => _engines.GetValue(services, static key => new WeirEngine(
        key.GetService<ILoggerFactory>(), key.GetService<IMeterFactory>(), key.GetService<TimeProvider>()));
}
