using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;

namespace Weir.Client.Transport;

/// <summary>
/// Creates the TCP connection of one <see cref="ClientWebSocket"/>, so that its bytes can be observed. Moves the socket's options
/// that belong to the handler there, as the socket does for its own handler: it accepts no other handler while it has them.
/// </summary>
internal static class ConnectionHandler
{
    /// <param name="options">The options set by the application; those that belong to the handler are reset.</param>
    /// <param name="systemProxy">The value of <see cref="ClientWebSocketOptions.Proxy"/> before the application set any option.</param>
    /// <param name="time">The clock.</param>
    /// <param name="onConnected">Called with the stream.</param>
    public static SocketsHttpHandler Make(ClientWebSocketOptions options, IWebProxy? systemProxy, TimeProvider time,
        Action<WatchedStream> onConnected)
    {
        Socket? connected = null;
        SocketsHttpHandler handler = new()
        {
            PooledConnectionLifetime = TimeSpan.Zero,
            UseCookies = options.Cookies is not null,
            Credentials = options.UseDefaultCredentials ? CredentialCache.DefaultCredentials : options.Credentials,
            UseProxy = options.Proxy is not null,
            Proxy = options.Proxy == systemProxy ? null : options.Proxy,
            ConnectCallback = async (context, cancel) =>
            {
                Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                try
                {
                    await socket.ConnectAsync(context.DnsEndPoint, cancel);
                    connected = socket;
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
            PlaintextStreamFilter = (context, _) =>
            {
                WatchedStream stream = new(context.PlaintextStream, connected!, time);
                onConnected(stream);
                return ValueTask.FromResult<Stream>(stream);
            },
        };
        if (options.Cookies is { } cookies)
        {
            handler.CookieContainer = cookies;
        }

        handler.SslOptions.RemoteCertificateValidationCallback = options.RemoteCertificateValidationCallback;
        if (options.ClientCertificates.Count > 0)
        {
            handler.SslOptions.ClientCertificates = [.. options.ClientCertificates];
        }

        options.Cookies = null;
        options.UseDefaultCredentials = false;
        options.Credentials = null;
        options.Proxy = systemProxy;
        options.RemoteCertificateValidationCallback = null;
        options.ClientCertificates = [];
        return handler;
    }
}
