using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Weir.Host;

/// <summary>Tells a load balancer to send nobody here any more once the node is on its way down.</summary>
internal sealed class ReadyCheck(WeirNode node) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        => Task.FromResult(node.IsDraining ? HealthCheckResult.Unhealthy("Draining.") : HealthCheckResult.Healthy());
}
