using Microsoft.Extensions.Diagnostics.HealthChecks;
using Weir.Relay.Brokers;
using Weir.Relay.Nodes;

namespace Weir.Host.Features.Monitoring;

/// <summary>
/// Unhealthy while the node drains, so that load balancers send no more clients. Degraded, with 200, while the broker is
/// unavailable or does not store: all nodes lose it at the same time, and each still serves its members. Likewise while other
/// nodes have different room rules, as in a deployment that changes them.
/// </summary>
internal sealed class ReadyCheck(WeirNode node, RelayNode relay) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        => Task.FromResult(
            node.IsDraining ? HealthCheckResult.Unhealthy("Draining.")
            : relay.Health == BrokerHealth.Degraded ? HealthCheckResult.Degraded("The broker is unavailable.")
            : relay.Health == BrokerHealth.Refusing ? HealthCheckResult.Degraded("The broker does not store.")
            : relay.NodesWithOtherRules.Count > 0 ? HealthCheckResult.Degraded("Other nodes have different room rules.")
            : HealthCheckResult.Healthy());
}
