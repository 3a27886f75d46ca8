using Weir.Host.Settings;

namespace Weir.Host.Features.Heartbeat;

/// <summary>The heartbeat of connections and streams.</summary>
internal sealed class HeartbeatFeature : Feature
{
    private static readonly SettingTable<WeirOptions> _table = new SettingTable<WeirOptions>("Weir:Heartbeat")
        .Duration("Interval", TimeSpan.Zero, TimeSpan.FromHours(1),
            static o => o.Heartbeat.Interval, static (o, value) => o.Heartbeat.Interval = value,
            "between two Pings; for [Centrifugo's protocol](docs/reference/protocol.md) 25s by default. 0: no heartbeat",
            leastUnlessZero: TimeSpan.FromMilliseconds(200))
        .Duration("Timeout", TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1),
            static o => o.Heartbeat.Timeout, static (o, value) => o.Heartbeat.Timeout = value,
            "a client is aborted when no data moved in either direction for interval plus timeout");

    private SettingValues<WeirOptions> _values = new();

    public override IEnumerable<Setting> Settings => _table.Settings;

    public override void Read(SettingsReader reader) => _values = _table.Read(reader);

    public override void Configure(WeirOptions endpoint) => _values.ApplyTo(endpoint);

    protected override void Report(Exposure exposure)
    {
        TimeSpan interval = _values.Value.Heartbeat.Interval;
        exposure.Add(
            ExposureArea.Heartbeat,
            interval > TimeSpan.Zero,
            $"A client whose network is gone is found after {Duration.Format(interval + _values.Value.Heartbeat.Timeout)}",
            "Raw connections whose clients are gone are kept until TCP gives up, which it never does while nothing is sent: "
            + "Weir:Heartbeat:Interval is 0");
    }
}
