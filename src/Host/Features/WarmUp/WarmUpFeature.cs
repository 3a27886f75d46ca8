using Weir.Host.Features.Transport;
using Weir.Host.Settings;

namespace Weir.Host.Features.WarmUp;

/// <summary>Compiles the code of a connection before the server listens.</summary>
internal sealed class WarmUpFeature(TransportFeature transport) : Feature
{
    private static readonly SettingTable<Own> _table = new SettingTable<Own>("Weir")
        .Bool("WarmUp", static o => o.IsEnabled, static (o, value) => o.IsEnabled = value,
            "the server serves some hundred clients of its own before it listens, so that the storm that often follows a start meets "
            + "compiled code. The start takes 1 to 2 s longer");

    private Own _own = new();

    public override IEnumerable<Setting> Settings => _table.Settings;

    public override void Read(SettingsReader reader) => _own = _table.Read(reader).Value;

    public override Task BeforeStartAsync(Func<WebApplicationBuilder, WebApplication> build)
        => _own.IsEnabled ? StartWarmUp.RunAsync(transport.Kind, build) : Task.CompletedTask;

    private sealed class Own
    {
        public bool IsEnabled { get; set; } = true;
    }
}
