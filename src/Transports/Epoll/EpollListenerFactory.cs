using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Weir.Diagnostics;

namespace Weir.Transports.Epoll;

/// <summary>Binds Kestrel's addresses to epoll loops, which start with the first of them.</summary>
internal sealed class EpollListenerFactory : IConnectionListenerFactory, IConnectionListenerFactorySelector, IDisposable
{
    private readonly Lazy<EpollTransport> _transport;

    public EpollListenerFactory(
        EpollTransportOptions options,
        ILoggerFactory loggers,
        IMemoryPoolFactory<byte> memory,
        IOptions<KestrelServerOptions> kestrel,
        EpollTime loopTime,
        TimeProvider? time = null)
    {
        _transport = new Lazy<EpollTransport>(() =>
        {
            TimeProvider clock = time ?? TimeProvider.System;
            EpollTransport transport = new(
                options, memory.Create(), loggers.CreateLimitedLogger(TransportLog.Category, clock), clock)
            {
                ServerCountsConnections = kestrel.Value.Limits.MaxConcurrentConnections is not null,
            };
            loopTime.Loop = transport.Loops[0];
            return transport;
        });
    }

    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint or UnixDomainSocketEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
        => new(EpollListener.Bind(endpoint, _transport.Value));

    public void Dispose()
    {
        if (_transport.IsValueCreated)
        {
            _transport.Value.Dispose();
        }
    }
}
