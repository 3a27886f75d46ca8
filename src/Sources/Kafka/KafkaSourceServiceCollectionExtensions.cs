using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Weir.Relay.Nodes;

namespace Weir.Sources.Kafka;

/// <summary>Registers topics of Kafka as sources of rooms.</summary>
public static class KafkaSourceServiceCollectionExtensions
{
    /// <summary>Adds a <see cref="KafkaSource"/>, which the host starts after the relay; one for each call.</summary>
    /// <param name="services">The services, to which <c>AddWeirRelay</c> has added the relay before.</param>
    /// <param name="configure">Sets the options.</param>
    public static IServiceCollection AddWeirKafkaSource(this IServiceCollection services, Action<KafkaSourceOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        KafkaSourceOptions options = new();
        configure(options);
        return services.AddSingleton<IHostedService>(provider => new KafkaSource(
            provider.GetRequiredService<RelayNode>(), options, provider.GetService<ILoggerFactory>(), provider.GetService<TimeProvider>(),
            provider.GetService<IMeterFactory>()));
    }
}
