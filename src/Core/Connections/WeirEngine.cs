using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Weir.Diagnostics;

namespace Weir.Connections;

/// <summary>What all Weir endpoints of one application share: its meter, its logger and its clock.</summary>
internal sealed class WeirEngine
{
    // Endpoints are declared on listeners and on routes, which only have the service provider in common. A meter must
    // exist once per application, or every reading would be doubled.
    // The key is a singleton and not the provider itself, which is one object for listeners and another for routes.
    private static readonly ConditionalWeakTable<object, WeirEngine> _engines = [];

    public WeirEngine(ILoggerFactory? loggers, IMeterFactory? meters, TimeProvider? time)
    {
        Logger = (loggers ?? NullLoggerFactory.Instance).CreateLogger(WeirLog.Category);
        Metrics = new WeirMetrics(meters);
        Time = time ?? TimeProvider.System;
    }

    public ILogger Logger { get; }

    public WeirMetrics Metrics { get; }

    public TimeProvider Time { get; }

    /// <summary>The engine of the application whose services these are. Takes a <see cref="TimeProvider"/> from them if there is one.</summary>
    public static WeirEngine Of(IServiceProvider services)
    {
        object application = (object?)services.GetService<IHostApplicationLifetime>() ?? services;
        return _engines.GetValue(application, _ => new WeirEngine(
            services.GetService<ILoggerFactory>(), services.GetService<IMeterFactory>(), services.GetService<TimeProvider>()));
    }
}
