using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Kafka;

/// <summary>Registers Kafka as the broker.</summary>
public static class KafkaServiceCollectionExtensions
{
    /// <summary>Adds a <see cref="KafkaBroker"/> as the broker of the rooms.</summary>
    /// <param name="services">The services to add it to.</param>
    /// <param name="configure">Sets the options; <c>null</c>: the defaults, with Kafka on this machine.</param>
    public static IServiceCollection AddWeirKafka(this IServiceCollection services, Action<KafkaOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        return services.AddSingleton<IBroker>(provider =>
        {
            KafkaOptions options = new();
            configure?.Invoke(options);
            return new KafkaBroker(
                options, provider.GetService<ILoggerFactory>(), provider.GetService<TimeProvider>(), provider.GetService<IMeterFactory>());
        });
    }
}
