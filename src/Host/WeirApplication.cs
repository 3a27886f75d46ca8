using System.Text;
using Weir.Host.Settings;

namespace Weir.Host;

/// <summary>Composes the server from its features.</summary>
internal static class WeirApplication
{
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
        HostFeatures features = HostFeatures.Read(builder.Configuration);

        // Read here, so that their errors are reported like those of settings.
        IReadOnlyList<BindingAddress> addresses = Listeners.ReadAddresses(builder.Configuration);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;

            // Kestrel ends the whole HTTP/2 connection, with all its streams, for one header that is not UTF-8. So such bytes are
            // read as U+FFFD; a path with them is refused with 400.
            kestrel.RequestHeaderEncodingSelector = static _ => Encoding.UTF8;
            features.Configure(kestrel);
            Listeners.Configure(
                kestrel, builder.Configuration, addresses, new ListenerLayers(features.UseBelowTls, features.UseAboveTls));
        });

        // At Information or below these messages contain the query, which may contain a token.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.Warning);
        // Kestrel opens a logging scope per connection, which then flows through each of its awaits. Weir's messages include the
        // connection id.
        builder.Services.Configure<LoggerFilterOptions>(static logging => logging.CaptureScopes = false);
        StartFailures.AddTo(builder);
        if (addresses.Count > 0)
        {
            builder.Services.AddSingleton<IStartupFilter, AddressesTaken>();
        }

        features.AddServices(builder);
        WebApplication app = builder.Build();
        features.Map(app);
        return app;
    }
}
