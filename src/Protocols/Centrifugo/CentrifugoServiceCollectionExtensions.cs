using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Weir.Protocols.Centrifugo.Applications;
using Weir.Protocols.Centrifugo.Protocol.Json;
using Weir.Protocols.Centrifugo.Sessions;
using Weir.Relay;
using Weir.Relay.Access;
using Weir.Relay.Nodes;

namespace Weir.Protocols.Centrifugo;

/// <summary>Registers the services of the protocol.</summary>
public static class CentrifugoServiceCollectionExtensions
{
    /// <summary>
    /// Adds Centrifugo's client protocol; requires <see cref="RelayServiceCollectionExtensions.AddWeirRelay"/>. RPCs and messages of
    /// clients are handled by the registered <see cref="CentrifugoApplication"/>, if there is one.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Settings; <c>null</c> for the defaults.</param>
    public static IServiceCollection AddWeirCentrifugo(this IServiceCollection services, Action<CentrifugoOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        CentrifugoOptions options = new();
        configure?.Invoke(options);
        return services.AddSingleton(provider => new CentrifugoHub(
            provider.GetRequiredService<RelayNode>(),
            provider.GetRequiredService<IClientAccess>(),
            provider.GetService<CentrifugoApplication>(),
            WeirNode.Of(provider),
            options.ToSettings(),
            JsonForm.Instance,
            provider.GetService<ILoggerFactory>()));
    }
}
