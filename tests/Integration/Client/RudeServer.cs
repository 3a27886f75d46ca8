using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Weir.Testing;

namespace Weir.Integration.Client;

/// <summary>Answers upgrades as it should, and then runs the test's code on the connection, which no well-behaved server would.</summary>
internal sealed class RudeServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<Socket> _sockets = [];

    public RudeServer() => _listener.Start();

    public Uri Address => new($"ws://{_listener.LocalEndpoint}/ws");

    /// <summary>Accepts a connection and reads its request.</summary>
    public async Task<Socket> AcceptAsync()
    {
        Socket socket = await _listener.AcceptSocketAsync().Within();
        _sockets.Add(socket);
        return socket;
    }

    /// <summary>Accepts a connection and upgrades it.</summary>
    public async Task<Socket> UpgradeAsync()
    {
        Socket socket = await AcceptAsync();
        string head = await ReadHeadAsync(socket);
        const string Name = "Sec-WebSocket-Key: ";
        string key = head.Split("\r\n").First(static line => line.StartsWith(Name, StringComparison.OrdinalIgnoreCase))[Name.Length..];
#pragma warning disable CA5350 // RFC 6455, section 4.2.2
        string accept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
        await SendAsync(socket,
            $"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n");
        return socket;
    }

    /// <summary>Accepts a connection and refuses it.</summary>
    public async Task RefuseAsync(string statusLine, string headers = "")
    {
        using Socket socket = await AcceptAsync();
        await ReadHeadAsync(socket);
        await SendAsync(socket, $"HTTP/1.1 {statusLine}\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n");
    }

    /// <summary>Ends a connection with a FIN or an RST.</summary>
    public static void Disconnect(Socket socket, bool reset)
    {
        if (reset)
        {
            socket.LingerState = new LingerOption(true, 0);
        }

        socket.Dispose();
    }

    public ValueTask DisposeAsync()
    {
        _listener.Dispose();
        _sockets.ForEach(static socket => socket.Dispose());
        return ValueTask.CompletedTask;
    }

    private static async Task<string> ReadHeadAsync(Socket socket)
    {
        byte[] buffer = new byte[8192];
        int length = 0;
        while (!buffer.AsSpan(0, length).EndsWith("\r\n\r\n"u8))
        {
            int read = await socket.ReceiveAsync(buffer.AsMemory(length)).Within();
            length += read > 0 ? read : throw new EndOfStreamException();
        }

        return Encoding.ASCII.GetString(buffer, 0, length);
    }

    private static async Task SendAsync(Socket socket, string text) => await socket.SendAsync(Encoding.ASCII.GetBytes(text)).Within();
}
