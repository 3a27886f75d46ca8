using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Weir.Testing;
using Weir.TestSupport;
using Weir.Transports.Epoll.Tests.Sockets;
using Xunit;

namespace Weir.Transports.Epoll.Tests;

/// <summary>Kestrel on top, with <c>UseEpollTransport</c>.</summary>
public sealed class KestrelTests
{
    [Fact]
    public async Task Http_ManyRequestsAtOnce_Answered()
    {
        await using WebApplication app = await StartAsync(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        using HttpClient http = new() { BaseAddress = AddressOf(app) };

        string[] answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => http.GetStringAsync("/"))).Within();

        Assert.All(answers, answer => Assert.Equal("hello", answer));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Http_LargeBody_IsEchoedWhole(bool tls)
    {
        using X509Certificate2 certificate = TestCertificate.Create();
        await using WebApplication app = await StartAsync(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            if (tls)
            {
                listen.UseHttps(certificate);
            }
        }));
        using HttpClientHandler handler = new() { ServerCertificateCustomValidationCallback = static (_, _, _, _) => true };
        using HttpClient http = new(handler) { BaseAddress = AddressOf(app) };
        byte[] body = Pattern.Of(3 * 1024 * 1024);

        using HttpResponseMessage answer = await http.PostAsync(new Uri("/echo", UriKind.Relative), new ByteArrayContent(body)).Within();

        Assert.Equal(body, await answer.Content.ReadAsByteArrayAsync().Within());
    }

    [Fact]
    public async Task Http_UnixSocket_Answered()
    {
        string path = Path.Combine(Path.GetTempPath(), $"weir-{Guid.NewGuid():N}.sock");
        await using WebApplication app = await StartAsync(kestrel => kestrel.ListenUnixSocket(path));
        using SocketsHttpHandler handler = new()
        {
            ConnectCallback = async (_, cancellationToken) =>
            {
                Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        using HttpClient http = new(handler) { BaseAddress = new Uri("http://localhost") };

        Assert.Equal("hello", await http.GetStringAsync("/").Within());
    }

    [Fact]
    public async Task Connection_IsOursAndKestrelsFeaturesAreFound()
    {
        TaskCompletionSource<(bool Ours, bool Heartbeat, bool Complete, bool Notification, bool RunInline)> seen = new();
        await using WebApplication app =
            await StartAsync(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Use(next => connection =>
        {
            ILoopThreadFeature? loop = connection.Features.Get<ILoopThreadFeature>();
            seen.TrySetResult((
                loop is not null,
                connection.Features.Get<IConnectionHeartbeatFeature>() is not null,
                connection.Features.Get<IConnectionCompleteFeature>() is not null,
                connection.Features.Get<IConnectionLifetimeNotificationFeature>() is not null,
                loop?.RunInline ?? false));
            return next(connection);
        })));
        using HttpClient http = new() { BaseAddress = AddressOf(app) };
        await http.GetStringAsync("/").Within();

        Assert.Equal((true, true, true, true, false), await seen.Task.Within());
    }

    // UseWeir waits for the first request's head on the loop's thread; what HTTP runs then may block.
    [Fact]
    public async Task Http_BehindUseWeir_RunsOnThePool()
    {
        TaskCompletionSource waits = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using WebApplication app = await StartAsync(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen
            .Use(next => async connection =>
            {
                Task running = next(connection);
                waits.TrySetResult();
                await running;
            })
            .UseWeir("/ws", static (connection, message) => default)));
        app.MapGet("/thread", static () => LoopThread.Current is null ? "on the pool" : "on the loop");
        using Socket client = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(IPAddress.Loopback, AddressOf(app).Port).Within();
        await waits.Task.Within();

        await client.SendAsync("GET /thread HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"u8.ToArray()).Within();
        using StreamReader answer = new(new NetworkStream(client));

        Assert.Contains("on the pool", await answer.ReadToEndAsync().Within(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stop_ConnectionsOpen_LeavesNoDescriptor()
    {
        await ServeAsync();
        int before = Descriptors.Count;

        await ServeAsync();
        await ServeAsync();

        await Bounded.Eventually(() => Descriptors.Count <= before);

        static async Task ServeAsync()
        {
            await using WebApplication app = await StartAsync(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
            using HttpClient http = new() { BaseAddress = AddressOf(app) };
            await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => http.GetStringAsync("/"))).Within();
            await app.StopAsync().Within();
        }
    }

    internal static Uri AddressOf(WebApplication app)
        => new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    private static async Task<WebApplication> StartAsync(Action<KestrelServerOptions> listen)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(listen);
        builder.WebHost.UseEpollTransport(static options => options.Loops = 2);
        WebApplication app = builder.Build();
        app.MapGet("/", static () => "hello");
        app.MapPost("/echo", static async context => await context.Request.Body.CopyToAsync(context.Response.Body));
        await app.StartAsync().Within();
        return app;
    }
}
