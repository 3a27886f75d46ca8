using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using Weir.Testing;

namespace Weir.Integration.Deploy;

/// <summary>Visits a load balancer over wss, from an address of its choice in 127.0.0.0/8, with or without a cookie.</summary>
internal sealed class Visitor : IDisposable
{
    private readonly HttpMessageInvoker _http;
    private readonly LoadBalancer _proxy;

    public Visitor(LoadBalancer proxy, string address = "127.0.0.1", CookieContainer? cookies = null)
    {
        _proxy = proxy;
        _http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            SslOptions = { RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null },
            CookieContainer = cookies ?? new CookieContainer(),
            ConnectCallback = (context, cancel) => ConnectAsync(context.DnsEndPoint, IPAddress.Parse(address), cancel),
        });
    }

    /// <summary>Opens a WebSocket.</summary>
    /// <exception cref="WebSocketException">It was refused; the status is in <paramref name="client"/>.</exception>
    public async Task<ClientWebSocket> OpenAsync(string path, ClientWebSocket? client = null)
    {
        client ??= new ClientWebSocket();
        client.Options.CollectHttpResponseDetails = true;
        client.Options.KeepAliveInterval = TimeSpan.Zero;
        await client.ConnectAsync(new Uri($"wss://127.0.0.1:{_proxy.Port}{path}"), _http, CancellationToken.None).Within();
        return client;
    }

    /// <summary>The status with which it is refused, or 101.</summary>
    public async Task<int> StatusOfAsync(string path)
    {
        using ClientWebSocket client = new();
        try
        {
            await OpenAsync(path, client);
        }
        catch (WebSocketException)
        {
            // The status shows it.
        }

        return (int)client.HttpStatusCode;
    }

    public void Dispose() => _http.Dispose();

    private static async ValueTask<Stream> ConnectAsync(DnsEndPoint to, IPAddress from, CancellationToken cancel)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Bind(new IPEndPoint(from, 0));
        await socket.ConnectAsync(IPAddress.Parse(to.Host), to.Port, cancel);
        return new NetworkStream(socket, ownsSocket: true);
    }
}
