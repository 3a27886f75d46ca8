using Microsoft.AspNetCore.Connections;
using Weir.Host.Settings;

namespace Weir.Host.Features.Echo;

/// <summary>The endpoint <c>/echo</c>.</summary>
/// <param name="configureEndpoint">Applies the settings of all endpoints.</param>
internal sealed class EchoFeature(Action<WeirOptions> configureEndpoint) : Feature
{
    private const string Path = "/echo";

    private static readonly SettingTable<Own> _table = new SettingTable<Own>("Weir:Echo")
        .Bool("Enabled", static o => o.IsEnabled, static (o, value) => o.IsEnabled = value, "whether `/echo` exists");

    private Own _own = new();

    public override IEnumerable<Setting> Settings => _table.Settings;

    public override IEnumerable<PathString> PathsWithHeadLimit => [Path];

    public override void Read(SettingsReader reader) => _own = _table.Read(reader).Value;

    public override void AddServices(WebApplicationBuilder builder) => builder.Services.AddSingleton<EchoHandler>();

    public override void UseAboveTls(IConnectionBuilder listener)
    {
        if (_own.IsEnabled)
        {
            listener.UseWeir<EchoHandler>(Path, configureEndpoint);
        }
    }

    public override void Map(WebApplication app)
    {
        if (_own.IsEnabled)
        {
            app.MapWeir(Path, app.Services.GetRequiredService<EchoHandler>(), configureEndpoint);
        }
    }

    protected override void Report(Exposure exposure) => exposure.Add(
        ExposureArea.Endpoints,
        !_own.IsEnabled,
        "/echo does not exist (Weir:Echo:Enabled)",
        "/echo answers every client that may connect: Weir:Echo:Enabled is on",
        exposure.IfPublic(Severity.Warning));

    private sealed class Own
    {
        public bool IsEnabled { get; set; }
    }
}
