using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using OpenTelemetry.Metrics;
using Weir.Auth;
using Weir.Centrifugo;
using Weir.Host.Handlers;
using Weir.Host.Settings;
using Weir.Relay;

namespace Weir.Host;

/// <summary>Composes the server: the WebSocket endpoints on every port, and beside them streams, the API, health, metrics and the page.</summary>
internal static class WeirApplication
{
    // OpenTelemetry makes room for 2,000 combinations of tags at once, for each of some 45 instruments: 8 MB, of which a node uses
    // a few kilobytes. Combinations beyond this are counted together, tagged otel.metric.overflow.
    private const int MaxTagCombinations = 200;

    /// <summary>An application with its configuration and nothing else yet.</summary>
    // The content root is where the assembly is, so that appsettings.json is found from whatever directory we start.
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

    /// <exception cref="SettingsException">The configuration is wrong.</exception>
    public static WebApplication Build(WebApplicationBuilder builder)
    {
        HostSettings settings = HostSettings.Read(builder.Configuration);

        // Here, so that what is wrong with them is told like any other setting.
        IReadOnlyList<BindingAddress> addresses = Listeners.ReadAddresses(builder.Configuration);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            HeadLimit.Apply(kestrel.Limits, settings.MaxHeadBytes);
            kestrel.Limits.Http2.MaxStreamsPerConnection = settings.MaxStreamsPerConnection;

            // Kestrel ends the whole HTTP/2 connection for one header that is not UTF-8, with all other streams on it. So such bytes
            // are read as U+FFFD; a path that has them is refused with 400.
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

        // These lines have the query, which may have a token in it, when they are logged at Information or below.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.Warning);
        // A balancer asks each second: that it is told is no news; the reason is logged once, by its source.
        builder.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.Error);
        // Kestrel opens a logging scope per connection, which then flows through every await of it. Our messages name the
        // connection themselves.
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
        builder.Services.AddSingleton(provider => new Door(provider.GetRequiredService<IClientAccess>(), settings.Reject));
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
