using System.Diagnostics.Metrics;
using System.Reflection;

namespace Weir.Host.Features.Monitoring;

/// <summary>The meter <c>Weir.Host</c>: the build, and the thread pool, whose gauges .NET's own meter publishes as counters.</summary>
// findings/dotnet-thread-pool-gauges-are-counters.sh
internal sealed class HostMetrics
{
    public const string MeterName = "Weir.Host";

    public HostMetrics(IMeterFactory? factory)
    {
        Meter meter = factory?.Create(new MeterOptions(MeterName)) ?? new Meter(MeterName);
        KeyValuePair<string, object?>[] build =
        [
            new("service.version", Version), new("process.runtime.version", Environment.Version.ToString()),
        ];
        meter.CreateObservableGauge(
            "weir.build.info", () => new Measurement<int>(1, build), unit: null, "1, with the version of the server and of .NET.");
        meter.CreateObservableUpDownCounter(
            "weir.thread_pool.threads", static () => ThreadPool.ThreadCount, "{thread}", "Threads of the pool.");
        meter.CreateObservableUpDownCounter(
            "weir.thread_pool.queue", static () => ThreadPool.PendingWorkItemCount, "{work_item}",
            "Work items that wait for a thread of the pool.");
    }

    /// <summary>Gets the version of the server, with its commit if the build has it.</summary>
    public static string Version { get; } =
        typeof(HostMetrics).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    /// <summary>Returns whether an instrument of .NET is replaced by one here.</summary>
    public static bool Replaces(Instrument instrument)
        => instrument.Meter.Name == "System.Runtime"
            && instrument.Name is "dotnet.thread_pool.thread.count" or "dotnet.thread_pool.queue.length";
}
