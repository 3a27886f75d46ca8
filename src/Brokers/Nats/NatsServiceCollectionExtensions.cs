using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Nats;

/// <summary>Registers NATS as the broker.</summary>
public static class NatsServiceCollectionExtensions
{
    /// <summary>Adds a <see cref="NatsBroker"/> as the broker of the rooms.</summary>
    /// <param name="services">The services to add it to.</param>
    /// <param name="configure">Sets the options; <c>null</c>: the defaults, with NATS on this machine.</param>
    public static IServiceCollection AddWeirNats(this IServiceCollection services, Action<NatsOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        return services.AddSingleton<IBroker>(provider =>
        {
            NatsOptions options = new();
            configure?.Invoke(options);
            return new NatsBroker(
                options, provider.GetService<ILoggerFactory>(), provider.GetService<TimeProvider>(), provider.GetService<IMeterFactory>());
        });
    }
}
