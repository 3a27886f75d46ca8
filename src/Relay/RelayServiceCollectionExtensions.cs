using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Weir.Relay.Access;
using Weir.Relay.Brokers;
using Weir.Relay.Nodes;
using Weir.Rooms;

namespace Weir.Relay;

/// <summary>Adds the relay to an application's services.</summary>
public static class RelayServiceCollectionExtensions
{
    /// <summary>
    /// Adds a <see cref="RelayNode"/>, which is started before the server listens. Its broker is the <see cref="IBroker"/> among the
    /// services; without one, a <see cref="MemoryBroker"/>. Its members are in the <see cref="RoomDirectory"/> among the services, or in
    /// one of its own. The <see cref="IClientAccess"/> among them decides on access.
    /// </summary>
    /// <param name="services">The application's services; <see cref="WeirServiceCollectionExtensions.AddWeir"/> belongs to them.</param>
    /// <param name="configure">Settings; <c>null</c> for the defaults.</param>
    public static IServiceCollection AddWeirRelay(this IServiceCollection services, Action<RelayOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        RelayOptions options = new();
        configure?.Invoke(options);
        services.TryAddSingleton<IBroker>(static provider => new MemoryBroker(time: provider.GetService<TimeProvider>()));
        services.TryAddSingleton<IClientAccess>(new OpenAccess(options.Rules));
        services.AddSingleton(provider =>
        {
            RelayNode node = new(
                provider.GetRequiredService<IBroker>(),
                provider.GetService<RoomDirectory>(),
                options,
                provider.GetService<ILoggerFactory>(),
                provider.GetService<IMeterFactory>(),
                provider.GetService<TimeProvider>());
            node.AddClients(new ConnectionClients(WeirNode.Of(provider), node));
            return node;
        });
        services.AddHostedService<RelayService>();
        return services;
    }
}
