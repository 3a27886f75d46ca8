using System.Net.WebSockets;
using System.Text;
using Weir.Testing;

namespace Weir.Integration.Servers;

/// <summary>.NET's own client, with every wait bounded.</summary>
internal static class WebSockets
{
    /// <summary>Any certificate will do.</summary>
    public static async Task<ClientWebSocket> ConnectAsync(Uri address, Action<ClientWebSocketOptions>? configure = null)
    {
        ClientWebSocket client = new();
        client.Options.RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null;
        client.Options.KeepAliveInterval = TimeSpan.Zero;
        configure?.Invoke(client.Options);
        await client.ConnectAsync(address, CancellationToken.None).Within();
        return client;
    }

    /// <summary>Connects over HTTP/2 (RFC 8441), on the connection that <paramref name="http"/> holds.</summary>
    public static async Task<ClientWebSocket> ConnectHttp2Async(
        Uri address, HttpMessageInvoker http, Action<ClientWebSocketOptions>? configure = null)
    {
        ClientWebSocket client = new();
        client.Options.HttpVersion = System.Net.HttpVersion.Version20;
        client.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        client.Options.CollectHttpResponseDetails = true;
        client.Options.KeepAliveInterval = TimeSpan.Zero;
        configure?.Invoke(client.Options);
        await client.ConnectAsync(address, http, CancellationToken.None).Within();
        return client;
    }

    public static HttpMessageInvoker TrustingInvoker() => new(new SocketsHttpHandler
    {
        SslOptions = { RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null },
    });

    public static Task SendAsync(this ClientWebSocket client, string text) =>
        client.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, CancellationToken.None).Within();

    public static Task SendAsync(this ClientWebSocket client, ReadOnlyMemory<byte> bytes, bool isLast = true) =>
        client.SendAsync(bytes, WebSocketMessageType.Binary, isLast, CancellationToken.None).Within();

    /// <summary>One whole message, or a Close, which is left unanswered.</summary>
    public static async Task<(WebSocketMessageType Type, byte[] Payload)> ReceiveAsync(this ClientWebSocket client)
    {
        byte[] buffer = new byte[16 * 1024];
        MemoryStream whole = new();
        ValueWebSocketReceiveResult part;
        do
        {
            part = await client.ReceiveAsync(buffer.AsMemory(), CancellationToken.None).Within();
            whole.Write(buffer, 0, part.Count);
        }
        while (!part.EndOfMessage);

        return (part.MessageType, whole.ToArray());
    }

    public static async Task<string> ReceiveTextAsync(this ClientWebSocket client)
    {
        (WebSocketMessageType type, byte[] payload) = await client.ReceiveAsync();
        return type == WebSocketMessageType.Text
            ? Encoding.UTF8.GetString(payload)
            : throw new InvalidDataException($"A message of type {type}, {client.CloseStatus} '{client.CloseStatusDescription}'.");
    }
}
