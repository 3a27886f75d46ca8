using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Weir.Timing;

namespace Weir.Transports.Epoll;

/// <summary>Puts the epoll transport under Kestrel.</summary>
public static class EpollWebHostBuilderExtensions
{
    /// <summary>
    /// Makes Kestrel listen on TCP and Unix sockets with the epoll transport instead of its own. All layers above stay
    /// unchanged: TLS, HTTP, limits. Other kinds of address (inherited descriptors, named pipes) stay with Kestrel's own transports.
    /// </summary>
    /// <param name="builder">The web host.</param>
    /// <param name="configure">Sets <see cref="EpollTransportOptions"/>; <c>null</c> for the defaults.</param>
    /// <exception cref="PlatformNotSupportedException">The system is not Linux.</exception>
    public static IWebHostBuilder UseEpollTransport(this IWebHostBuilder builder, Action<EpollTransportOptions>? configure = null)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new PlatformNotSupportedException("The epoll transport runs on Linux only; on other systems omit UseEpollTransport.");
        }

        EpollTransportOptions options = new();
        configure?.Invoke(options);
        return builder.ConfigureServices(services => services
            .AddSingleton(options)
            .AddSingleton<EpollTime>()
            .AddSingleton<LoopTimeProvider>(static services => services.GetRequiredService<EpollTime>())
            .AddSingleton<IConnectionListenerFactory, EpollListenerFactory>()); // Kestrel tries the one registered last first
    }
}
