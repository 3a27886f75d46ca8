using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Weir.Timing;
using Weir.Transport;

namespace Weir;

/// <summary>Puts the epoll transport under Kestrel.</summary>
public static class EpollWebHostBuilderExtensions
{
    /// <summary>
    /// Makes Kestrel listen on TCP and Unix sockets with the epoll transport instead of its own. Everything above stays as it
    /// is: TLS, HTTP, limits. Other kinds of address (inherited descriptors, named pipes) stay with Kestrel's own transports.
    /// </summary>
    /// <param name="builder">The web host.</param>
    /// <param name="configure">Sets <see cref="EpollTransportOptions"/>; null for the defaults.</param>
    /// <exception cref="PlatformNotSupportedException">The system is not Linux.</exception>
    public static IWebHostBuilder UseEpollTransport(this IWebHostBuilder builder, Action<EpollTransportOptions>? configure = null)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new PlatformNotSupportedException("The epoll transport runs on Linux only; elsewhere leave UseEpollTransport out.");
        }

        EpollTransportOptions options = new();
        configure?.Invoke(options);
        return builder.ConfigureServices(services => services
            .AddSingleton(options)
            .AddSingleton<EpollTime>()
            .AddSingleton<LoopTimeProvider>(static services => services.GetRequiredService<EpollTime>())
            .AddSingleton<IConnectionListenerFactory, EpollListenerFactory>()); // Kestrel asks the one registered last first
    }
}
