using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Connections;
using Weir.Host.Features.Management;
using Weir.Host.Settings;

namespace Weir.Host;

/// <summary>The server, from its start to its end.</summary>
internal static class Server
{
    /// <returns>The exit code: 0, or 1 if the server cannot start.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        WebApplication app;
        try
        {
            WebApplicationBuilder builder = WeirApplication.CreateBuilder(args);
            HostFeatures features = HostFeatures.Read(builder.Configuration); // errors are reported before the start
            await features.BeforeStartAsync(WeirApplication.Build);
            app = WeirApplication.Build(builder);
            await app.StartAsync();
            app.Services.GetRequiredService<StartFailures>().OnStarted();
        }
        catch (SettingsException error)
        {
            await Console.Error.WriteLineAsync(error.Message);
            return 1;
        }
        catch (Exception error) when (error is IOException or InvalidOperationException or CryptographicException or SocketException)
        {
            // A port in use, a certificate that is missing or unreadable: Kestrel's message has the cause.
            await Console.Error.WriteLineAsync($"Weir cannot start. {error.Message}{ReasonOf(error)}");
            return 1;
        }

        await using (app)
        {
            ManagementFeature management = app.Services.GetRequiredService<ManagementFeature>();
            foreach (string url in app.Urls.OrderBy(management.Has))
            {
                Console.WriteLine(
                    (management.Has(url) ? "Management is at " : "Weir is up. Point a browser at ")
                    + url.Replace("[::]", "localhost", StringComparison.Ordinal).Replace("0.0.0.0", "localhost", StringComparison.Ordinal));
            }

            await app.WaitForShutdownAsync();
            return 0;
        }
    }

    // The transport's message about an address in use, where it adds to the operating system's.
    private static string ReasonOf(Exception error)
        => error.InnerException is AddressInUseException { InnerException: { } cause } taken && taken.Message != cause.Message
            ? $" {taken.Message}"
            : "";
}
