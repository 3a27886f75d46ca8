using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Weir.Listening;

/// <summary>
/// Kestrel's own transport for sockets, with listening sockets of <see cref="ListenSocket"/>. Other kinds of address, inherited
/// descriptors among them, are left to Kestrel's factory.
/// </summary>
internal sealed class SocketListenerFactory : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly SocketTransportFactory _inner;
    private readonly ILoggerFactory _loggers;

    // By the instance of the end point, which Kestrel's transport hands through.
    private readonly ConditionalWeakTable<EndPoint, Socket> _bound = [];

    public SocketListenerFactory(IOptions<SocketTransportOptions> options, ILoggerFactory loggers)
    {
        Func<EndPoint, Socket> bind = options.Value.CreateBoundListenSocket;
        options.Value.CreateBoundListenSocket = endPoint =>
        {
            Socket socket = ListenSocket.Bind(endPoint, bind);
            _bound.AddOrUpdate(endPoint, socket);
            return socket;
        };
        _inner = new SocketTransportFactory(options, loggers);
        _loggers = loggers;
    }

    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint or UnixDomainSocketEndPoint;

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        IConnectionListener listener = await _inner.BindAsync(endpoint, cancellationToken).ConfigureAwait(false);
        return _bound.TryGetValue(endpoint, out Socket? socket)
            ? new SocketListener(listener, socket, _loggers.CreateLogger(Diagnostics.WeirLog.Category))
            : listener;
    }
}
