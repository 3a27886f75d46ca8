using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime;
using System.Text;
using Weir.Host.Features.Node;
using Weir.Host.Features.Transport;

namespace Weir.Host.Features.WarmUp;

/// <summary>
/// Before the server listens, a temporary one serves some hundred clients of this process, so that the code of a connection is
/// compiled when the first real one arrives. A starting node often receives a storm, of all clients of the node before it.
/// </summary>
/// <remarks>
/// <para>The temporary server has the same code and transport, its own settings (no broker, no authentication, not the configured
/// ones) and a port chosen by the system on the loopback interface, and it ends before the real one is composed: its connections
/// appear in no log or metric.</para>
/// <para>A method is compiled three times until it is fully optimized: at its first call, after 30 calls with instrumentation, and
/// after 30 more with the collected profile. So clients connect in batches, as in a storm, and the next batch when the compiler has
/// finished the methods of the previous one.</para>
/// </remarks>
internal static class StartWarmUp
{
    private const int Crowd = 64;

    private const int MostRounds = 12;

    // A round with no more newly compiled methods than this has found nearly all compiled.
    private const int FewMethods = 20;

    // No further round after this time: on a slow machine the start alone takes long enough.
    private static readonly TimeSpan _maxDuration = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _compilerPause = TimeSpan.FromMilliseconds(20);

    // Frames masked with zeros, which leave the payload as it is (RFC 6455 section 5.2). The Close has the code 1000.
    private static readonly byte[] _text = [0x81, 0x85, 0, 0, 0, 0, .. "hello"u8];
    private static readonly byte[] _command = [0x81, 0x97, 0, 0, 0, 0, .. """{"id":1,"connect":{}}  """u8];
    private static readonly byte[] _ping = [0x89, 0x80, 0, 0, 0, 0];
    private static readonly byte[] _close = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8];

    /// <summary>Runs the warm-up; a failure is reported on the console and ignored.</summary>
    public static async Task RunAsync(TransportKind transport, Func<WebApplicationBuilder, WebApplication> build)
    {
        try
        {
            await using WebApplication app = build(CreateBuilder(transport));
            await app.StartAsync();
            IPEndPoint server = new(IPAddress.Loopback, new Uri(app.Urls.First()).Port);
            await Task.Run(() => VisitUntilCompiledAsync(server)).WaitAsync(_timeout);
            await app.StopAsync();
        }
        catch (Exception error) when (error is IOException or SocketException or TimeoutException)
        {
            await Console.Error.WriteLineAsync($"Weir starts without warm-up. {error.Message}");
        }

        // Its garbage would stay resident until after a real storm.
        MemoryTrim.GiveBack();
    }

    private static WebApplicationBuilder CreateBuilder(TransportKind transport)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["urls"] = "http://127.0.0.1:0",
            ["Weir:Transport"] = transport.ToString(),
            ["Weir:Echo:Enabled"] = "true",
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
        while (++round < MostRounds
            && Stopwatch.GetElapsedTime(start) < _maxDuration
            && JitInfo.GetCompiledMethodCount() - before > FewMethods);
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
        while (count != last && Stopwatch.GetElapsedTime(start) < _maxDuration);
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

            byte[] request = RequestOf(path);
            crowd.ForEach(client => client.Send(request));
            crowd.ForEach(Receive);
            crowd.ForEach(client => client.Send(question));
            crowd.ForEach(Receive); // now each client is in the room
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
        ReceiveTimeout = (int)_timeout.TotalMilliseconds,
        SendTimeout = (int)_timeout.TotalMilliseconds,
    };

    // With the origin that a browser sends.
    private static byte[] RequestOf(string path) => Encoding.ASCII.GetBytes(
        $"GET {path} HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n");

    private static void Receive(Socket client)
    {
        Span<byte> buffer = stackalloc byte[1024];
        if (client.Receive(buffer) == 0)
        {
            throw new IOException("The server closed a connection of the warm-up.");
        }
    }

    private static void ReceiveEnd(Socket client)
    {
        Span<byte> buffer = stackalloc byte[1024];
        while (client.Receive(buffer) > 0)
        {
        }
    }

    /// <summary>Signals are handled, and systemd is notified, by the real server only.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
