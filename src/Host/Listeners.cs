using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Weir.Host.Features;
using Weir.Host.Settings;
using Weir.Transports.Epoll;

namespace Weir.Host;

/// <summary>
/// Adds the WebSocket endpoints to every port of the server, above TLS where there is TLS, whichever of .NET's settings names
/// the ports: <c>Kestrel:Endpoints</c>, <c>urls</c>, or <c>http_ports</c> and <c>https_ports</c>.
/// </summary>
/// <remarks>
/// Kestrel appends TLS to endpoints from <c>urls</c> after all other middleware, where Weir's would receive cipher text. So those
/// are opened here, in the right order.
/// </remarks>
internal static class Listeners
{
    public const string DefaultUrl = "http://localhost:8080";

    private const string EndpointsKey = "Kestrel:Endpoints";

    /// <summary>
    /// Reads the addresses from <c>urls</c> or the lists of ports; empty if <c>Kestrel:Endpoints</c> names the ports.
    /// </summary>
    /// <exception cref="SettingsException">One of them is not a valid address.</exception>
    public static IReadOnlyList<BindingAddress> ReadAddresses(IConfiguration configuration) =>
        configuration.GetSection(EndpointsKey).GetChildren().Any() ? [] : [.. UrlsOf(configuration).Select(Parse)];

    /// <summary>Reads all addresses, also those in <c>Kestrel:Endpoints</c>, as far as they can be read as one.</summary>
    /// <inheritdoc cref="ReadAddresses"/>
    public static IReadOnlyList<BindingAddress> ReadAllAddresses(IConfiguration configuration)
    {
        IReadOnlyList<BindingAddress> addresses = ReadAddresses(configuration);
        return addresses.Count > 0 ? addresses
            : [.. configuration.GetSection(EndpointsKey).GetChildren().Select(static endpoint => endpoint["Url"]).OfType<string>().Select(Parse)];
    }

    /// <param name="kestrel">The server.</param>
    /// <param name="configuration">For <c>Kestrel:Endpoints</c> and certificates.</param>
    /// <param name="addresses">The result of <see cref="ReadAddresses"/>.</param>
    /// <param name="layers">The middleware of each port.</param>
    public static void Configure(
        KestrelServerOptions kestrel, IConfiguration configuration, IReadOnlyList<BindingAddress> addresses, ListenerLayers layers)
    {
        foreach (BindingAddress address in addresses)
        {
            Listen(kestrel, address, layers);
        }

        if (addresses.Count > 0)
        {
            return;
        }

        IConfigurationSection section = configuration.GetSection("Kestrel");
        List<IConfigurationSection> named = [.. configuration.GetSection(EndpointsKey).GetChildren()];

        var loader = kestrel.Configure(section, reloadOnChange: false);
        foreach (IConfigurationSection endpoint in named)
        {
            loader.Endpoint(endpoint.Key, opened =>
            {
                layers.BelowTls(opened.ListenOptions);

                // Kestrel applies per-host certificates (SNI) after this call: there the upgrade reaches the HTTP pipeline
                // instead, which serves it too.
                if (opened.IsHttps && endpoint.GetSection("Sni").GetChildren().Any())
                {
                    return;
                }

                if (opened.IsHttps)
                {
                    opened.ListenOptions.UseHttps(opened.HttpsOptions).UseTlsBufferRelease();
                }

                layers.AboveTls(opened.ListenOptions);
            });
        }
    }

    /// <summary>Reports whether traffic is encrypted.</summary>
    public static void Report(Exposure exposure)
    {
        string[] plain =
        [
            .. exposure.Addresses.Where(static address
                => address.Scheme == "http" && !address.IsUnixPipe && !Exposure.IsLoopback(address.Host)).Select(static a => a.ToString()),
        ];
        if (plain.Length > 0)
        {
            exposure.AddOpen(
                ExposureArea.Traffic,
                $"Traffic is plain text on {string.Join(", ", plain)}: "
                + (exposure.IsBehindProxy ? "TLS has to end in the proxy" : "use TLS here or in a proxy"),
                exposure.IsBehindProxy ? Severity.Note : Severity.Danger);
        }

        if (exposure.Addresses.Any(static address => address.Scheme == "https"))
        {
            exposure.Memory.AddIdle(22_000); // measured: docs/internals/benchmarks.md, wss
        }
    }

    private static IEnumerable<string> UrlsOf(IConfiguration configuration)
    {
        const StringSplitOptions Options = StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries;
        if (configuration["urls"] is { Length: > 0 } urls)
        {
            return urls.Split(';', Options);
        }

        IEnumerable<string> http = (configuration["http_ports"] ?? "").Split(';', Options).Select(static port => $"http://*:{port}");
        IEnumerable<string> https = (configuration["https_ports"] ?? "").Split(';', Options).Select(static port => $"https://*:{port}");
        List<string> ports = [.. http, .. https];
        return ports.Count > 0 ? ports : [DefaultUrl];
    }

    private static BindingAddress Parse(string url)
    {
        try
        {
            BindingAddress address = BindingAddress.Parse(url);
            if (address.IsUnixPipe)
            {
                _ = new UnixDomainSocketEndPoint(address.UnixPipePath);
            }

            return address;
        }
        catch (ArgumentOutOfRangeException)
        {
            throw new SettingsException([$"urls has '{url}', whose path is too long for a Unix socket: at most 107 bytes."]);
        }
        catch (FormatException)
        {
            throw new SettingsException(
                [$"urls has '{url}'; allowed is an address such as http://localhost:8080, http://*:80 or https://[::]:443."]);
        }
    }

    private static void Listen(KestrelServerOptions kestrel, BindingAddress address, ListenerLayers layers)
    {
        void Open(ListenOptions listen)
        {
            layers.BelowTls(listen);
            if (PortOpener.IsHttps(address))
            {
                listen.UseHttps().UseTlsBufferRelease();
            }

            layers.AboveTls(listen);
        }

        PortOpener.Listen(kestrel, address, Open);
    }
}

/// <summary>The middleware of a port.</summary>
/// <param name="BelowTls">Receives the bytes of the network.</param>
/// <param name="AboveTls">Receives them decrypted.</param>
internal sealed record ListenerLayers(Action<IConnectionBuilder> BelowTls, Action<IConnectionBuilder> AboveTls);
