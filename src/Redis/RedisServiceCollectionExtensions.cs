using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Weir.Relay;

namespace Weir.Redis;

/// <summary>Puts Redis between the nodes.</summary>
public static class RedisServiceCollectionExtensions
{
    /// <summary>Adds a <see cref="RedisBroker"/> as the broker of the rooms.</summary>
    /// <param name="services">Where to add it.</param>
    /// <param name="configure">Sets the options; null: those by default, with Redis on this machine.</param>
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
