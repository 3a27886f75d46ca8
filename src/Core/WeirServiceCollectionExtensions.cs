using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Weir.Buffers;
using Weir.Connections;
using Weir.Hosting;
using Weir.Listening;

namespace Weir;

/// <summary>Adds Weir's services to an application.</summary>
public static class WeirServiceCollectionExtensions
{
    /// <summary>
    /// Sets the limits of the whole node, and closes its connections one after another when the application stops
    /// (<see cref="WeirNodeOptions.DrainWindow"/>). Without it there are no such limits and Kestrel closes all connections at
    /// once.
    /// </summary>
    /// <remarks>Raises the host's shutdown timeout where it is too short for the window.</remarks>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Settings; <c>null</c> for the defaults.</param>
    /// <exception cref="ArgumentException">A setting is invalid.</exception>
    public static IServiceCollection AddWeir(this IServiceCollection services, Action<WeirNodeOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        WeirNodeOptions options = new();
        configure?.Invoke(options);
        services.AddSingleton(options);
        services.AddSingleton(options.ToSettings());
        services.AddSingleton(static provider => new WeirNode(WeirEngine.Of(provider)));
        services.AddHostedService(static provider => new DrainService(WeirEngine.Of(provider)));
        services.PostConfigure<HostOptions>(host =>
        {
            TimeSpan needed = options.DrainWindow + Drain.LastCloseTimeout + TimeSpan.FromSeconds(5);
            host.ShutdownTimeout = host.ShutdownTimeout > needed ? host.ShutdownTimeout : needed;
        });
        return services;
    }

    /// <summary>
    /// Makes Kestrel's own socket transport accept the connections that the kernel has accepted before it closes a listening
    /// socket: without it clients that connect while the server stops are reset. A Unix socket whose process has ended is
    /// replaced (on Linux); where a process listens, or the file is not a socket, the start fails with a message that names the
    /// path.
    /// </summary>
    /// <remarks>
    /// On Linux, new connections are held back meanwhile: stopping takes 250 ms longer, 20 ms on loopback. Inherited descriptors
    /// and named pipes are left unchanged. The epoll transport does the same itself.
    /// </remarks>
    /// <param name="services">The application's services.</param>
    public static IServiceCollection AddWeirSockets(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        return services.AddSingleton<IConnectionListenerFactory, SocketListenerFactory>(); // Kestrel tries the last registered first
    }

    /// <summary>
    /// Makes Kestrel rent its network buffers from a pool of larger blocks than its own 4 KiB, which lends the last returned
    /// block first. Worthwhile where messages exceed a few hundred bytes: a socket is read one block at a time.
    /// </summary>
    /// <remarks>
    /// Applies to everything Kestrel serves. An idle connection holds no block; one with data in flight holds at least one in
    /// each direction, of which untouched pages cost no memory. Unused blocks are released within a minute or two.
    /// </remarks>
    /// <param name="services">The application's services.</param>
    /// <param name="blockBytes">The size of a block in bytes; default 16 KiB.</param>
    /// <exception cref="ArgumentOutOfRangeException">Less than 4,096, which Kestrel's pipes request, or more than 1 MiB.</exception>
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
