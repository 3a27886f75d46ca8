using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Weir.Buffers;
using Weir.Connections;
using Weir.Listening;

namespace Weir;

/// <summary>What Weir offers to an application's services.</summary>
public static class WeirServiceCollectionExtensions
{
    /// <summary>
    /// Sets the limits of the whole node, and has its connections closed one after another when the application stops
    /// (<see cref="WeirNodeOptions.DrainWindow"/>). Without it there are no such limits and Kestrel closes all at once.
    /// </summary>
    /// <remarks>Raises the host's shutdown time-out where it is too short for the window.</remarks>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Settings; null for the defaults.</param>
    /// <exception cref="ArgumentException">A setting is invalid.</exception>
    public static IServiceCollection AddWeir(this IServiceCollection services, Action<WeirNodeOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        WeirNodeOptions options = new();
        configure?.Invoke(options);
        services.AddSingleton(options);
        services.AddSingleton(static provider => new WeirNode(WeirEngine.Of(provider)));
        services.AddHostedService<DrainService>();
        services.PostConfigure<HostOptions>(host =>
        {
            TimeSpan needed = options.DrainWindow + Drain.LastCloseTimeout + TimeSpan.FromSeconds(5);
            host.ShutdownTimeout = host.ShutdownTimeout > needed ? host.ShutdownTimeout : needed;
        });
        return services;
    }

    /// <summary>
    /// Has Kestrel's own transport for sockets accept what the kernel has accepted before it closes a listening socket: without it
    /// clients that connect while the server stops are reset. A Unix socket whose process is gone is replaced (on Linux); where a process
    /// listens, or the file is no socket, the start fails with a message that names the path.
    /// </summary>
    /// <remarks>
    /// On Linux, new connections are held off meanwhile: stopping takes 250 ms longer, 20 ms on loopback. Inherited descriptors and named
    /// pipes are left as they are. The epoll transport does the same by itself.
    /// </remarks>
    /// <param name="services">The application's services.</param>
    public static IServiceCollection AddWeirSockets(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        return services.AddSingleton<IConnectionListenerFactory, SocketListenerFactory>(); // Kestrel asks the one registered last first
    }

    /// <summary>
    /// Has Kestrel take its network buffers from a pool of larger blocks than its own 4 KiB, of which the last one used is
    /// lent first. Worth it wherever messages exceed a few hundred bytes: a socket is read one block at a time.
    /// </summary>
    /// <remarks>
    /// Holds for everything Kestrel serves. An idle connection holds no block; one with data on its way holds at least
    /// one in each direction, of which untouched pages cost no memory. Blocks that nobody needs are let go within a minute
    /// or two.
    /// </remarks>
    /// <param name="services">The application's services.</param>
    /// <param name="blockBytes">The size of a block in bytes; default 16 KiB.</param>
    /// <exception cref="ArgumentOutOfRangeException">Less than 4,096, which is what Kestrel's pipes ask for, or more than 1 MiB.</exception>
    public static IServiceCollection AddWeirMemoryPool(this IServiceCollection services, int blockBytes = 16 * 1024)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentOutOfRangeException.ThrowIfLessThan(blockBytes, 4096);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(blockBytes, 1024 * 1024);
        services.Replace(ServiceDescriptor.Singleton<IMemoryPoolFactory<byte>>(provider =>
            new BlockMemoryPoolFactory(blockBytes, provider.GetService<TimeProvider>() ?? TimeProvider.System)));
        return services;
    }
}
