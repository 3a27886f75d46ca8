using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Weir.Auth.Diagnostics;
using Weir.Auth.Keys;
using Weir.Relay;

namespace Weir.Auth;

/// <summary>What authentication offers to an application's services.</summary>
public static class AuthServiceCollectionExtensions
{
    /// <summary>
    /// Adds the <see cref="IClientAccess"/> that every way in asks, by tokens or by <see cref="AuthOptions.Authenticate"/>. From
    /// here on nobody may do anything that is not granted. Before or after
    /// <see cref="RelayServiceCollectionExtensions.AddWeirRelay"/>, whose rules say which rooms are open.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Says who may come in.</param>
    /// <exception cref="ArgumentException">Nothing says who may come in, or something that does is wrong; the message names it.</exception>
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

        services.AddSingleton(provider => new KeyRing(options.Jwt, LoggerOf(provider), TimeOf(provider)));
        services.Replace(ServiceDescriptor.Singleton<IClientAccess>(provider =>
        {
            // Looked for late: the relay's node and whoever decides about access are made in any order.
            Lazy<RelayNode?> relay = new(provider.GetService<RelayNode>);
            return new TokenAccess(
                options, room => relay.Value?.RuleOf(room) ?? RoomRule.Default, provider.GetRequiredService<KeyRing>(), LoggerOf(provider), TimeOf(provider));
        }));
        services.AddHostedService<KeyService>();
        return services;
    }

    private static ILogger LoggerOf(IServiceProvider provider)
        => (provider.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance).CreateLogger(AuthLog.Category);

    private static TimeProvider TimeOf(IServiceProvider provider) => provider.GetService<TimeProvider>() ?? TimeProvider.System;

    /// <summary>Has the keys loaded from when the application starts.</summary>
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
