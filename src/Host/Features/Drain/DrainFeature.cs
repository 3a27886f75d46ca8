using Weir.Host.Settings;

namespace Weir.Host.Features.Drain;

/// <summary>The drain of the node on SIGTERM.</summary>
internal sealed class DrainFeature : Feature
{
    private static readonly SettingTable<WeirNodeOptions> _table = new SettingTable<WeirNodeOptions>("Weir:Drain")
        .Duration("Window", TimeSpan.Zero, TimeSpan.FromHours(1), static o => o.DrainWindow, static (o, value) => o.DrainWindow = value,
            "the time over which connections are closed on SIGTERM, at least 100 a second. 0: all immediately. A second SIGTERM ends it");

    private SettingValues<WeirNodeOptions> _values = new();

    public override IEnumerable<Setting> Settings => _table.Settings;

    public override void Read(SettingsReader reader) => _values = _table.Read(reader);

    public override void Configure(WeirNodeOptions node) => _values.ApplyTo(node);
}
