using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Redis;

/// <summary>Registers Redis as the broker.</summary>
public static class RedisServiceCollectionExtensions
{
    /// <summary>Adds a <see cref="RedisBroker"/> as the broker of the rooms.</summary>
    /// <param name="services">The services to add it to.</param>
    /// <param name="configure">Sets the options; <c>null</c>: the defaults, with Redis on this machine.</param>
    public static IServiceCollection AddWeirRedis(this IServiceCollection services, Action<RedisOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        return services.AddSingleton<IBroker>(provider =>
        {
            RedisOptions options = new();
            configure?.Invoke(options);
            return new RedisBroker(
                options, provider.GetService<ILoggerFactory>(), provider.GetService<TimeProvider>(), provider.GetService<IMeterFactory>());
        });
    }
}
