using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Weir.Transports.Epoll;

/// <summary>The memory of idle TLS connections.</summary>
public static class TlsConnectionBuilderExtensions
{
    /// <summary>
    /// Makes OpenSSL release a session's buffers while they are empty, which takes an idle TLS connection from 31 KB to 13
    /// (docs/internals/benchmarks.md). Goes right after <c>UseHttps</c>. On any transport; without effect on connections
    /// without TLS, on systems other than Linux, and with a version of .NET that keeps its sessions elsewhere, which is logged.
    /// </summary>
    public static TBuilder UseTlsBufferRelease<TBuilder>(this TBuilder builder)
        where TBuilder : IConnectionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        ILogger logger = builder.ApplicationServices.GetRequiredService<ILoggerFactory>().CreateLogger("Weir.Transports.Epoll.Tls");
        Lazy<TlsBuffers?> buffers = new(TlsBuffers.Find);
        int isLogged = 0;
        builder.Use(next => connection =>
        {
            if (connection.Features.Get<ISslStreamFeature>()?.SslStream is { } stream
                && buffers.Value?.TryRelease(stream) is not true
                    && Interlocked.Exchange(ref isLogged, 1) == 0)
            {
                TransportLog.TlsBuffersAreKept(logger);
            }

            return next(connection);
        });
        return builder;
    }
}
