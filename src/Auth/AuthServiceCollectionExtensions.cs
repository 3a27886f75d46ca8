using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Weir.Auth.Diagnostics;
using Weir.Diagnostics;
using Weir.Relay;
using Weir.Relay.Access;
using Weir.Relay.Brokers;
using Weir.Relay.Nodes;

namespace Weir.Auth;

/// <summary>Adds authentication to an application's services.</summary>
public static class AuthServiceCollectionExtensions
{
    /// <summary>
    /// Adds the <see cref="IClientAccess"/> of all endpoints, with tokens or <see cref="AuthOptions.Authenticate"/>. From then on
    /// only granted operations are permitted. Called before or after <see cref="RelayServiceCollectionExtensions.AddWeirRelay"/>,
    /// whose rules define which rooms are open.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Configures authentication.</param>
    /// <exception cref="ArgumentException">
    /// Neither keys nor Authenticate are set, or a setting is invalid; the message names it.
    /// </exception>
    public static IServiceCollection AddWeirAuth(this IServiceCollection services, Action<AuthOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        AuthOptions options = new();
        configure(options);
        if (!options.Jwt.IsConfigured && options.Authenticate is null)
        {
            throw new ArgumentException("Set Authenticate, or one of Jwt.Secret, Jwt.PublicKeyFile and Jwt.Jwks.", nameof(configure));
        }

        if (options.Jwt.Validate() is [var (property, complaint), ..])
        {
            throw new ArgumentException($"Jwt.{property} must be {complaint}.", nameof(configure));
        }

        services.AddSingleton(provider => new KeyRing(options.Jwt, LoggersOf(provider).CreateLogger(AuthLog.Category), TimeOf(provider)));
        services.Replace(ServiceDescriptor.Singleton<IClientAccess>(provider =>
        {
            // Resolved lazily: the relay's node and its access control are created in either order.
            Lazy<RelayNode?> relay = new(provider.GetService<RelayNode>);
            return new TokenAccess(
                options, room => relay.Value?.RuleOf(room) ?? RoomRule.Default, provider.GetRequiredService<KeyRing>(),
                    LoggersOf(provider).CreateLimitedLogger(AuthLog.Category, TimeOf(provider)), TimeOf(provider));
        }));
        services.AddHostedService<KeyService>();
        return services;
    }

    private static ILoggerFactory LoggersOf(IServiceProvider provider)
        => provider.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance;

    private static TimeProvider TimeOf(IServiceProvider provider) => provider.GetService<TimeProvider>() ?? TimeProvider.System;

    /// <summary>Starts to load the keys when the application starts.</summary>
    private sealed class KeyService(KeyRing keys) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            keys.Start();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
