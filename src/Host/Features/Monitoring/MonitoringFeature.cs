using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using Weir.Host.Features.Management;

namespace Weir.Host.Features.Monitoring;

/// <summary>Metrics at <c>/metrics</c>, and health at <c>/health/live</c> and <c>/health/ready</c>.</summary>
/// <param name="meters">Returns the names of the meters of all features.</param>
internal sealed class MonitoringFeature(Func<IEnumerable<string>> meters) : Feature
{
    // OpenTelemetry preallocates 2,000 combinations of tags for each of some 45 instruments: 8 MB, of which a node uses a few
    // kilobytes. Combinations beyond this number are counted together, tagged otel.metric.overflow.
    private const int MaxTagCombinations = 200;

    public override IEnumerable<string> Meters => ["System.Runtime", HostMetrics.MeterName];

    public override void AddServices(WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<HostMetrics>();
        builder.Services.AddOpenTelemetry()
            // The environment (OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES) has the last word.
            .ConfigureResource(static resource => resource.AddService("weir", serviceVersion: HostMetrics.Version)
                .AddEnvironmentVariableDetector())
            .WithMetrics(metrics => metrics
                .AddMeter([.. meters()])
                .AddView(static instrument => HostMetrics.Replaces(instrument)
                    ? MetricStreamConfiguration.Drop
                    : new MetricStreamConfiguration { CardinalityLimit = MaxTagCombinations })
                .AddPrometheusExporter());
        builder.Services.AddHealthChecks().AddCheck<ReadyCheck>("ready", tags: ["ready"]);
        // A load balancer probes each second, so failed checks are not logged; their source logs the cause once.
        builder.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.Error);
    }

    public override void Map(WebApplication app)
    {
        app.Services.GetRequiredService<HostMetrics>(); // measures from now on
        app.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = static _ => false }).WithMetadata(ManagementEndpoint.Mark);
        app.MapHealthChecks("/health/ready", new HealthCheckOptions { Predicate = static check => check.Tags.Contains("ready") })
            .WithMetadata(ManagementEndpoint.Mark);
        app.MapPrometheusScrapingEndpoint("/metrics").WithMetadata(ManagementEndpoint.Mark);
    }
}
