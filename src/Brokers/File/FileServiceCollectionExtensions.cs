using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Weir.Relay.Brokers;

namespace Weir.Brokers.File;

/// <summary>Registers the broker that keeps its data in files.</summary>
public static class FileServiceCollectionExtensions
{
    /// <summary>Adds a <see cref="FileBroker"/> as the broker of the rooms.</summary>
    /// <param name="services">The services to add it to.</param>
    /// <param name="configure">Sets the options; <see cref="FileBrokerOptions.Path"/> has no default.</param>
    public static IServiceCollection AddWeirFile(this IServiceCollection services, Action<FileBrokerOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        return services.AddSingleton<IBroker>(provider =>
        {
            FileBrokerOptions options = new();
            configure(options);
            return new FileBroker(
                options, provider.GetService<ILoggerFactory>(), provider.GetService<TimeProvider>(), provider.GetService<IMeterFactory>());
        });
    }
}
