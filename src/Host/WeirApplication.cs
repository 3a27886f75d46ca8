using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using OpenTelemetry.Metrics;
using Weir.Auth;
using Weir.Host.Handlers;
using Weir.Host.Settings;
using Weir.Protocols.Centrifugo;
using Weir.Relay;
using Weir.Rooms;
using Weir.Transports.Epoll;

namespace Weir.Host;

/// <summary>Composes the server: WebSocket endpoints on every port, streams, the API, health, metrics and the page.</summary>
internal static class WeirApplication
{
    // OpenTelemetry preallocates 2,000 combinations of tags for each of some 45 instruments: 8 MB, of which a node uses a few
    // kilobytes. Combinations beyond this number are counted together, tagged otel.metric.overflow.
    private const int MaxTagCombinations = 200;

    /// <summary>Creates a builder with the configuration only.</summary>
    // The content root is the directory of the assembly, so that appsettings.json is found from any working directory.
    public static WebApplicationBuilder CreateBuilder(string[] args)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            Args = args,
            ContentRootPath = AppContext.BaseDirectory,
        });
        builder.Services.AddSystemd();
        return builder;
    }

    /// <exception cref="SettingsException">The configuration is not valid.</exception>
    public static WebApplication Build(WebApplicationBuilder builder)
    {
        HostSettings settings = HostSettings.Read(builder.Configuration);

        // Read here, so that their errors are reported like those of settings.
        IReadOnlyList<BindingAddress> addresses = Listeners.ReadAddresses(builder.Configuration);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            HeadLimit.Apply(kestrel.Limits, settings.MaxHeadBytes);
            kestrel.Limits.Http2.MaxStreamsPerConnection = settings.MaxStreamsPerConnection;

            // Kestrel ends the whole HTTP/2 connection, with all its streams, for one header that is not UTF-8. So such bytes are
            // read as U+FFFD; a path with them is refused with 400.
            kestrel.RequestHeaderEncodingSelector = static _ => Encoding.UTF8;
            Listeners.Configure(kestrel, builder.Configuration, addresses, new ListenerLayers(UseProxyProtocol, UseEndpoints));
        });

        if (settings.Transport == TransportKind.Epoll)
        {
            builder.WebHost.UseEpollTransport();
        }
        else
        {
            builder.Services.AddWeirSockets();
        }

        // At Information or below these messages contain the query, which may contain a token.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.Warning);
        // A load balancer probes each second, so failed checks are not logged; their source logs the cause once.
        builder.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.Error);
        // Kestrel opens a logging scope per connection, which then flows through each of its awaits. Weir's messages include the
        // connection id.
        builder.Services.Configure<LoggerFilterOptions>(static logging => logging.CaptureScopes = false);
        builder.Services.AddOpenTelemetry().WithMetrics(static metrics => metrics
            .AddMeter("Weir", "Weir.Relay", "Weir.Redis", "System.Runtime")
            .AddView(static _ => new MetricStreamConfiguration { CardinalityLimit = MaxTagCombinations })
            .AddPrometheusExporter());
        builder.Services.AddWeirMemoryPool();
        builder.Services.AddWeir(settings.ApplyTo);
        builder.Services.AddHostedService<MemoryTrim>();
        settings.Broker.AddTo(builder.Services);
        builder.Services.AddSingleton(new RoomDirectory(settings.Rooms));
        builder.Services.AddWeirRelay(settings.ApplyTo);
        if (settings.HasAuth)
        {
            builder.Services.AddWeirAuth(settings.ApplyTo);
        }

        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(provider => new AccessResponses(provider.GetRequiredService<IClientAccess>(), settings.Reject));
        builder.Services.AddWeirCentrifugo(settings.ApplyTo);
        builder.Services.AddSingleton<RelayHandler>();
        builder.Services.AddSingleton<EchoHandler>();
        builder.Services.AddHealthChecks().AddCheck<ReadyCheck>("ready", tags: ["ready"]);
        if (addresses.Count > 0)
        {
            builder.Services.AddSingleton<IStartupFilter, AddressesTaken>();
        }

        WebApplication app = builder.Build();
        HeadLimit.Use(app, settings.MaxHeadBytes);
        MapRoutes(app);
        return app;

        void UseProxyProtocol(IConnectionBuilder listen)
        {
            if (settings.ProxyProtocolFrom.Count > 0 || settings.ProxyProtocolFromUnixSockets)
            {
                listen.UseProxyProtocol(settings.ProxyProtocolFrom, trustUnixSockets: settings.ProxyProtocolFromUnixSockets);
            }
        }

        void UseEndpoints(IConnectionBuilder listen)
        {
            listen.UseWeir<RelayHandler>("/ws", settings.ApplyTo);
            listen.UseWeirCentrifugo("/connection/websocket", settings.ApplyTo);
            if (settings.EchoEnabled)
            {
                listen.UseWeir<EchoHandler>("/echo", settings.ApplyTo);
            }
        }

        void MapRoutes(WebApplication app)
        {
            app.MapWeir("/ws", app.Services.GetRequiredService<RelayHandler>(), settings.ApplyTo);
            if (settings.EchoEnabled)
            {
                app.MapWeir("/echo", app.Services.GetRequiredService<EchoHandler>(), settings.ApplyTo);
            }

            app.MapWeirCentrifugo("/connection", "/emulation", settings.ApplyTo);
            app.MapWeirSse("/sse", settings.ApplyTo);
            app.MapWeirApi("/api", settings.ApplyTo);
            app.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = static _ => false });
            app.MapHealthChecks("/health/ready", new HealthCheckOptions { Predicate = static check => check.Tags.Contains("ready") });
            app.MapPrometheusScrapingEndpoint("/metrics");
            byte[] page = Page.Load("index.html"), script = Page.Load("weir.js");
            app.MapGet("/", () => Results.Bytes(page, "text/html; charset=utf-8"));
            app.MapGet("/weir.js", () => Results.Bytes(script, "text/javascript; charset=utf-8"));
        }
    }
}
