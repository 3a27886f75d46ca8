using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Postgres;

/// <summary>Registers PostgreSQL as the broker.</summary>
public static class PostgresServiceCollectionExtensions
{
    /// <summary>Adds a <see cref="PostgresBroker"/> as the broker of the rooms.</summary>
    /// <param name="services">The services to add it to.</param>
    /// <param name="configure">Sets the options; <c>null</c>: the defaults, with a database <c>weir</c> on this machine.</param>
    public static IServiceCollection AddWeirPostgres(this IServiceCollection services, Action<PostgresOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        return services.AddSingleton<IBroker>(provider =>
        {
            PostgresOptions options = new();
            configure?.Invoke(options);
            return new PostgresBroker(
                options, provider.GetService<ILoggerFactory>(), provider.GetService<TimeProvider>(), provider.GetService<IMeterFactory>());
        });
    }
}
