using Microsoft.Extensions.Diagnostics.HealthChecks;
using Weir.Relay;

namespace Weir.Host;

/// <summary>
/// Tells a load balancer to send nobody here any more once the node is on its way down. While the broker is away, or does
/// not store, it says so, with 200: all nodes miss it at once, and each still serves the members it has. The same while
/// other nodes have other rules for rooms, as in a deployment that changes them.
/// </summary>
internal sealed class ReadyCheck(WeirNode node, RelayNode relay) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        => Task.FromResult(
            node.IsDraining ? HealthCheckResult.Unhealthy("Draining.")
            : relay.Health == BrokerHealth.Degraded ? HealthCheckResult.Degraded("The broker is away.")
            : relay.Health == BrokerHealth.Refusing ? HealthCheckResult.Degraded("The broker refuses to store.")
            : relay.NodesWithOtherRules.Count > 0 ? HealthCheckResult.Degraded("Other nodes have other rules for rooms.")
            : HealthCheckResult.Healthy());
}
