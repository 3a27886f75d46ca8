using Microsoft.AspNetCore.Connections;
using Weir.Host.Settings;
using Weir.Protocols.Centrifugo;

namespace Weir.Host.Features.Centrifugo;

/// <summary>Centrifugo's client protocol, over WebSocket and over streams.</summary>
/// <param name="configureEndpoint">Applies the settings of all endpoints.</param>
internal sealed class CentrifugoFeature(Action<WeirOptions> configureEndpoint) : Feature
{
    private const string Path = "/connection";
    private const string EmulationPath = "/emulation";

    private static readonly SettingTable<CentrifugoOptions> _table = new SettingTable<CentrifugoOptions>("Weir:Centrifugo")
        .Duration("ConnectTimeout", TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10),
            static o => o.ConnectTimeout, static (o, value) => o.ConnectTimeout = value,
            "for a client of [Centrifugo's protocol](docs/reference/protocol.md) to send its connect; then 3502")
        .Duration("ExpiryGrace", TimeSpan.Zero, TimeSpan.FromHours(1),
            static o => o.ExpiryGrace, static (o, value) => o.ExpiryGrace = value,
            "how long after its token has expired a client may still present a new one")
        .Int("MaxPublicationsPerReply", "publications", 1, 1 << 20,
            static o => o.MaxPublicationsPerReply, static (o, value) => o.MaxPublicationsPerReply = value,
            "beyond it a history is truncated, and a client that has missed more is not recovered");

    private SettingValues<CentrifugoOptions> _values = new();

    public override IEnumerable<Setting> Settings => _table.Settings;

    public override IEnumerable<PathString> PathsWithHeadLimit => [Path, EmulationPath];

    public override void Read(SettingsReader reader) => _values = _table.Read(reader);

    public override void AddServices(WebApplicationBuilder builder) => builder.Services.AddWeirCentrifugo(_values.ApplyTo);

    public override void UseAboveTls(IConnectionBuilder listener)
        => listener.UseWeirCentrifugo($"{Path}/websocket", configureEndpoint);

    public override void Map(WebApplication app) => app.MapWeirCentrifugo(Path, EmulationPath, configureEndpoint);
}
