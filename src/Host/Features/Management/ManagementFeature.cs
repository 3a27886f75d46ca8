using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Weir.Host.Settings;

namespace Weir.Host.Features.Management;

/// <summary>
/// Ports for operators and back ends. The endpoints are matched by their metadata, not by their path, so no spelling of a path leads to
/// them on another port.
/// </summary>
internal sealed class ManagementFeature : Feature
{
    private static readonly SettingTable<Own> _table = new SettingTable<Own>("Weir:Management")
        .List("Urls", "list of addresses", static (o, values) => o.Addresses = [.. values.Select(BindingAddressOf)],
            "addresses such as `http://localhost:9090`, at which `/metrics`, `/health` and `/api` then are, and nowhere else; clients have no "
            + "endpoint there. Empty: these are on every port",
            refused: static _ => "a list of addresses such as http://localhost:9090 or https://*:9443, without a path");

    private readonly List<ListenOptions> _ports = [];
    private Own _own = new();

    public override IEnumerable<Setting> Settings => _table.Settings;

    /// <summary>Gets whether management has ports of its own.</summary>
    public bool HasPorts => _own.Addresses.Count > 0;

    public override void Read(SettingsReader reader) => _own = _table.Read(reader).Value;

    public override void AddServices(WebApplicationBuilder builder) => builder.Services.AddSingleton(this);

    public override void Configure(KestrelServerOptions kestrel)
    {
        foreach (BindingAddress address in _own.Addresses)
        {
            PortOpener.Listen(kestrel, address, listen =>
            {
                if (PortOpener.IsHttps(address))
                {
                    listen.UseHttps();
                }

                listen.Use(static next => connection =>
                {
                    connection.Features.Set(ManagementPort.Feature);
                    return next(connection);
                });
                _ports.Add(listen);
            });
        }
    }

    public override void Map(WebApplication app)
    {
        if (!HasPorts)
        {
            return;
        }

        app.Use(static (http, next) =>
        {
            bool isManagement = http.Features.Get<ManagementPort>() is not null;
            if (http.GetEndpoint() is { } endpoint && endpoint.Metadata.GetMetadata<ManagementEndpoint>() is not null != isManagement)
            {
                http.Response.StatusCode = StatusCodes.Status404NotFound;
                return Task.CompletedTask;
            }

            return next(http);
        });
    }

    /// <summary>Returns whether a bound address is one of management.</summary>
    /// <param name="url">As the server reports it after its start.</param>
    public bool Has(string url)
    {
        BindingAddress address = BindingAddress.Parse(url);
        return _ports.Exists(port => address.IsUnixPipe
            ? port.SocketPath == address.UnixPipePath
            : port.IPEndPoint?.Port == address.Port);
    }

    protected override void Report(Exposure exposure)
    {
        string[] open =
        [
            .. _own.Addresses.Where(static address => !address.IsUnixPipe && !Exposure.IsLoopback(address.Host))
                .Select(static address => address.ToString()),
        ];
        exposure.Add(
            ExposureArea.Monitoring,
            HasPorts,
            $"/metrics, /health and /api are at {string.Join(", ", _own.Addresses)} only (Weir:Management:Urls)",
            "/metrics and /health answer every client, on every port: set Weir:Management:Urls, or hide them in a proxy",
            exposure.IfPublic(Severity.Warning));
        if (open.Length > 0)
        {
            exposure.AddOpen(
                ExposureArea.Monitoring, $"/metrics and /health answer every machine that reaches {string.Join(", ", open)}", Severity.Note);
        }
    }

    private static BindingAddress BindingAddressOf(string url)
    {
        try
        {
            BindingAddress address = BindingAddress.Parse(url);
            if (address.PathBase.Length == 0 && address.Scheme.ToUpperInvariant() is "HTTP" or "HTTPS")
            {
                return address;
            }
        }
        catch (FormatException)
        {
            // as the others
        }

        throw new ArgumentException("It is no address without a path.", nameof(url));
    }

    private sealed class Own
    {
        public IReadOnlyList<BindingAddress> Addresses { get; set; } = [];
    }
}
