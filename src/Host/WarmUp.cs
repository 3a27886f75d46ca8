using System.Net;
using System.Net.Sockets;
using System.Text;
using Weir.Host.Settings;

namespace Weir.Host;

/// <summary>
/// Before the server listens, one like it serves itself some hundred clients, so that what a connection runs through is compiled
/// when the first real one comes. A node that starts is often met by a storm, of all who were on the node before it.
/// </summary>
/// <remarks>
/// The other server has the same code and transport, its own settings (no broker, no authentication, nothing of the
/// configuration) and a port of the system's choice on the loopback interface, and it is gone before the real one is composed: no
/// connection of it appears in a log or metric.
/// </remarks>
internal static class WarmUp
{
    // A method is compiled with all optimizations after 30 calls, and once before that to see what it mostly meets. The compiler
    // goes on while the server is composed; more visits brought no more handshakes in the first storm.
    private const int Visits = 50;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);

    // Frames masked with zeros, which leave the payload as it is (RFC 6455 section 5.2). The Close has the code 1000.
    private static readonly byte[] _text = [0x81, 0x85, 0, 0, 0, 0, .. "hello"u8];
    private static readonly byte[] _command = [0x81, 0x97, 0, 0, 0, 0, .. """{"id":1,"connect":{}}  """u8];
    private static readonly byte[] _ping = [0x89, 0x80, 0, 0, 0, 0];
    private static readonly byte[] _close = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8];

    /// <summary>Does it; where it cannot, says so and leaves it.</summary>
    public static async Task RunAsync(TransportKind transport)
    {
        try
        {
            await using WebApplication app = WeirApplication.Build(CreateBuilder(transport));
            await app.StartAsync();
            IPEndPoint server = new(IPAddress.Loopback, new Uri(app.Urls.First()).Port);
            await Task.Run(() => Visit(server)).WaitAsync(_patience);
            await app.StopAsync();
        }
        catch (Exception error) when (error is IOException or SocketException or TimeoutException)
        {
            await Console.Error.WriteLineAsync($"Weir starts without having warmed up. {error.Message}");
        }
    }

    private static WebApplicationBuilder CreateBuilder(TransportKind transport)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["urls"] = "http://127.0.0.1:0",
            [$"{HostSettings.Root}:Transport"] = transport.ToString(),
            [$"{HostSettings.Root}:Echo:Enabled"] = "true",
        });
        builder.WebHost.UseKestrelCore();
        builder.Services.AddRouting();
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        return builder;
    }

    private static void Visit(IPEndPoint server)
    {
        for (int i = 0; i < Visits; i++)
        {
            Visit(server, "/echo", _text);
            Visit(server, "/connection/websocket", _command);
            VisitRoom(server);
        }
    }

    private static void Visit(IPEndPoint server, string path, byte[] question)
    {
        using Socket client = Open(server, path);
        client.Send(question);
        Receive(client);
        Leave(client);
    }

    private static void VisitRoom(IPEndPoint server)
    {
        using Socket one = Open(server, "/ws?room=warm");
        using Socket other = Open(server, "/ws?room=warm");
        other.Send(_ping);
        Receive(other); // it is in the room now
        one.Send(_text);
        Receive(other);
        Leave(one);
        Leave(other);
    }

    private static Socket Open(IPEndPoint server, string path)
    {
        Socket client = new(SocketType.Stream, ProtocolType.Tcp)
        {
            NoDelay = true,
            ReceiveTimeout = (int)_patience.TotalMilliseconds,
            SendTimeout = (int)_patience.TotalMilliseconds,
        };
        try
        {
            client.Connect(server);
            client.Send(Encoding.ASCII.GetBytes(
                $"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"));
            Receive(client);
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    private static void Receive(Socket client)
    {
        Span<byte> buffer = stackalloc byte[1024];
        if (client.Receive(buffer) == 0)
        {
            throw new IOException("The server closed a connection of its own.");
        }
    }

    private static void Leave(Socket client)
    {
        client.Send(_close);
        Span<byte> buffer = stackalloc byte[1024];
        while (client.Receive(buffer) > 0)
        {
        }
    }

    /// <summary>Signals are for the process, and systemd wants to hear of the real server only.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
