using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Weir.Centrifugo.Sessions;
using Weir.Connections;
using Weir.Relay;

namespace Weir.Centrifugo;

/// <summary>What the protocol needs among an application's services.</summary>
public static class CentrifugoServiceCollectionExtensions
{
    /// <summary>
    /// Adds Centrifugo's client protocol; needs <see cref="RelayServiceCollectionExtensions.AddWeirRelay"/>. RPC and messages of
    /// clients go to the <see cref="CentrifugoApplication"/> among the services, if there is one.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Settings; null for the defaults.</param>
    public static IServiceCollection AddWeirCentrifugo(this IServiceCollection services, Action<CentrifugoOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        CentrifugoOptions options = new();
        configure?.Invoke(options);
        return services.AddSingleton(provider => new CentrifugoHub(
            provider.GetRequiredService<RelayNode>(),
            provider.GetRequiredService<IClientAccess>(),
            provider.GetService<CentrifugoApplication>(),
            WeirEngine.Of(provider),
            options,
            provider.GetService<ILoggerFactory>()));
    }
}
