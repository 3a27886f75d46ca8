using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime;
using System.Text;
using Weir.Host.Settings;

namespace Weir.Host;

/// <summary>
/// Before the server listens, one like it serves itself some hundred clients, so that what a connection runs through is compiled
/// when the first real one comes. A node that starts is often met by a storm, of all who were on the node before it.
/// </summary>
/// <remarks>
/// <para>The other server has the same code and transport, its own settings (no broker, no authentication, nothing of the
/// configuration) and a port of the system's choice on the loopback interface, and it is gone before the real one is composed: no
/// connection of it appears in a log or metric.</para>
/// <para>A method is compiled three times before it is as fast as it gets: at its first call, after 30 calls to see what it mostly
/// meets, and after 30 more with what was seen. So clients come in crowds, as in a storm, and the next crowd when the compiler
/// is through with what the last one brought.</para>
/// </remarks>
internal static class WarmUp
{
    private const int Crowd = 64;

    private const int MostRounds = 12;

    // A round that brought no more than this has found nearly everything compiled.
    private const int FewMethods = 20;

    // No further round after this: on a slow machine the start itself takes long enough.
    private static readonly TimeSpan _enough = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _compilerPause = TimeSpan.FromMilliseconds(20);

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
            await Task.Run(() => VisitUntilCompiledAsync(server)).WaitAsync(_patience);
            await app.StopAsync();
        }
        catch (Exception error) when (error is IOException or SocketException or TimeoutException)
        {
            await Console.Error.WriteLineAsync($"Weir starts without having warmed up. {error.Message}");
        }

        // What it left behind would stay resident until a real storm is over.
        MemoryTrim.GiveBack();
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

    private static async Task VisitUntilCompiledAsync(IPEndPoint server)
    {
        byte[] manyTexts = [.. Enumerable.Repeat(_text, 16).SelectMany(static text => text)];
        long start = Stopwatch.GetTimestamp();
        long before;
        int round = 0;
        do
        {
            before = JitInfo.GetCompiledMethodCount();
            Visit(server, "/echo", Crowd, _text);
            Visit(server, "/echo", Crowd / 4, manyTexts);
            Visit(server, "/connection/websocket", Crowd / 4, _command);
            Visit(server, "/ws?room=warm", Crowd / 4, _ping, publishes: true);
            await WaitForCompilerAsync(start);
        }
        while (++round < MostRounds && Stopwatch.GetElapsedTime(start) < _enough && JitInfo.GetCompiledMethodCount() - before > FewMethods);
    }

    private static async Task WaitForCompilerAsync(long start)
    {
        long last;
        long count = JitInfo.GetCompiledMethodCount();
        do
        {
            last = count;
            await Task.Delay(_compilerPause, TimeProvider.System);
            count = JitInfo.GetCompiledMethodCount();
        }
        while (count != last && Stopwatch.GetElapsedTime(start) < _enough);
    }

    private static void Visit(IPEndPoint server, string path, int clients, byte[] question, bool publishes = false)
    {
        List<Socket> crowd = [];
        try
        {
            for (int i = 0; i < clients; i++)
            {
                crowd.Add(NewClient());
                crowd[i].Connect(server);
            }

            byte[] head = HeadOf(path);
            crowd.ForEach(client => client.Send(head));
            crowd.ForEach(Receive);
            crowd.ForEach(client => client.Send(question));
            crowd.ForEach(Receive); // now each is in the room
            if (publishes)
            {
                crowd[0].Send(_text);
                crowd[1..].ForEach(Receive);
            }

            crowd.ForEach(static client => client.Send(_close));
            crowd.ForEach(ReceiveEnd);
        }
        finally
        {
            crowd.ForEach(static client => client.Dispose());
        }
    }

    private static Socket NewClient() => new(SocketType.Stream, ProtocolType.Tcp)
    {
        NoDelay = true,
        ReceiveTimeout = (int)_patience.TotalMilliseconds,
        SendTimeout = (int)_patience.TotalMilliseconds,
    };

    // With the origin that a browser sends.
    private static byte[] HeadOf(string path) => Encoding.ASCII.GetBytes(
        $"GET {path} HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n");

    private static void Receive(Socket client)
    {
        Span<byte> buffer = stackalloc byte[1024];
        if (client.Receive(buffer) == 0)
        {
            throw new IOException("The server closed a connection of its own.");
        }
    }

    private static void ReceiveEnd(Socket client)
    {
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
