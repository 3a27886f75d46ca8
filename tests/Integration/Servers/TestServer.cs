using System.Diagnostics.Metrics;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Weir.Testing;
using Weir.TestSupport;
using Weir.TestSupport.Processes;
using Weir.Transports.Epoll;

namespace Weir.Integration.Servers;

/// <summary>
/// An ASP.NET Core application on real Kestrel, with two ports of the system's choice on loopback: one plain, one with
/// TLS. What it logs and measures can be looked at; only warnings of others are kept, all of the engine's.
/// </summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly X509Certificate2 _certificate;

    private TestServer(WebApplication app, X509Certificate2 certificate, LogProbe logs, MetricProbe metrics)
    {
        _app = app;
        _certificate = certificate;
        Logs = logs;
        Metrics = metrics;
        foreach (Uri address in app.Urls.Select(static url => new Uri(url)))
        {
            if (address.Scheme == Uri.UriSchemeHttps)
            {
                TlsPort = address.Port;
            }
            else
            {
                Port = address.Port;
            }
        }
    }

    public int Port { get; }

    public int TlsPort { get; }

    public LogProbe Logs { get; }

    public MetricProbe Metrics { get; }

    /// <param name="listen">Puts endpoints on a port; called for each of the two, after its <c>UseHttps</c>.</param>
    /// <param name="map">Adds routes and middleware to the HTTP pipeline.</param>
    /// <param name="services">Adds services.</param>
    public static async Task<TestServer> StartAsync(
        Action<ListenOptions> listen, Action<WebApplication>? map = null, Action<IServiceCollection>? services = null)
    {
        X509Certificate2 certificate = TestCertificate.Create();
        LogProbe logs = new();
        MetricProbe metrics = new();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddProvider(logs)
            .SetMinimumLevel(LogLevel.Warning).AddFilter("Weir", LogLevel.Trace);
        builder.Services.AddSingleton<IMeterFactory>(metrics);
        services?.Invoke(builder.Services);
        builder.WebHost.UseKestrelHttpsConfiguration();
        if (TransportUnderTest.IsEpoll)
        {
            builder.WebHost.UseEpollTransport();
        }

        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0, listen);
            kestrel.Listen(IPAddress.Loopback, 0, options =>
            {
                options.UseHttps(certificate);
                listen(options);
            });
        });
        WebApplication app = builder.Build();
        map?.Invoke(app);
        await app.StartAsync().Within();
        return new TestServer(app, certificate, logs, metrics);
    }

    public Uri Address(string path, bool tls = false) =>
        new($"{(tls ? "wss" : "ws")}://127.0.0.1:{(tls ? TlsPort : Port)}{path}");

    /// <summary>Connects without the opening handshake.</summary>
    public Task<RawClient> ConnectAsync(bool tls = false, int? receiveBufferBytes = null) =>
        RawClient.ConnectAsync("127.0.0.1", tls ? TlsPort : Port, tls, receiveBufferBytes);

    /// <summary>Connects, upgrades and waits until the handler has opened the connection, and so joined its rooms.</summary>
    public async Task<RawClient> OpenAsync(string path, bool tls = false, int? receiveBufferBytes = null)
    {
        RawClient client = await ConnectAsync(tls, receiveBufferBytes);
        await client.HandshakeAsync(path);
        await client.SettleAsync();
        return client;
    }

    /// <summary>Shuts the application down as on SIGTERM.</summary>
    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _certificate.Dispose();
    }
}
