using Weir.Host.Settings;
using Weir.Protocol;

namespace Weir.Host.Features.Pressure;

/// <summary>Slow clients: how much may wait for one, for how long, and for all of them together.</summary>
internal sealed class PressureFeature : Feature
{
    private const string Section = "Weir:Pressure";

    private static readonly SettingTable<WeirOptions> _endpoint = new SettingTable<WeirOptions>(Section)
        .Int("HighWaterBytes", "bytes", 0, 1 << 30,
            static o => (int)o.Pressure.HighWaterBytes, static (o, value) => o.Pressure.HighWaterBytes = value,
            "at this many waiting bytes an episode of pressure begins (in the metrics, and for handlers). 0: never")
        .Int("CloseAtBytes", "bytes", 1, 1 << 30,
            static o => (int)o.Pressure.CloseAtBytes, static (o, value) => o.Pressure.CloseAtBytes = value,
            "the most that may wait for a slow client")
        .Duration("MaxDelay", TimeSpan.Zero, TimeSpan.FromHours(1),
            static o => o.Pressure.MaxDelay, static (o, value) => o.Pressure.MaxDelay = value,
            "the longest a message may wait. 0: unlimited")
        .Duration("CloseTimeout", TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1),
            static o => o.Pressure.CloseTimeout, static (o, value) => o.Pressure.CloseTimeout = value,
            "how long such a client may take to read the close frame before it is aborted")
        .Enum("Policy", static o => o.Pressure.Policy, static (o, value) => o.Pressure.Policy = value,
            "see [slow clients](docs/operations/slow-clients.md)")
        .Int("CloseCode", "close code", 1000, 4999,
            static o => (int)o.Pressure.CloseCode, static (o, value) => o.Pressure.CloseCode = (CloseCode)value,
            "that of a client that is too slow, one that may be sent",
            refused: "a code that may be sent: 1000-1003, 1007-1014, 3000-4999")
        .Text("CloseReason", "text", static o => o.Pressure.CloseReason, static (o, value) => o.Pressure.CloseReason = value,
            "the reason beside the code");

    private static readonly SettingTable<WeirNodeOptions> _node = new SettingTable<WeirNodeOptions>(Section)
        .Int("NodeMegabytes", "MiB", 0, 1 << 20,
            static o => (int)(o.MaxPendingBytes >> 20), static (o, value) => o.MaxPendingBytes = (long)value << 20,
            "the most that may wait in the whole node; connections with most waiting are closed first. 0: unlimited");

    private SettingValues<WeirOptions> _endpointValues = new();
    private SettingValues<WeirNodeOptions> _nodeValues = new();

    public override IEnumerable<Setting> Settings => [.. _endpoint.Settings, .. _node.Settings];

    public override void Read(SettingsReader reader)
    {
        _endpointValues = _endpoint.Read(reader);
        _nodeValues = _node.Read(reader);
    }

    public override void Configure(WeirNodeOptions node) => _nodeValues.ApplyTo(node);

    public override void Configure(WeirOptions endpoint) => _endpointValues.ApplyTo(endpoint);

    protected override void Report(Exposure exposure)
    {
        long node = _nodeValues.Value.MaxPendingBytes;
        exposure.Memory.AddNode(node);
        exposure.Add(
            ExposureArea.Memory,
            node > 0,
            $"At most {node >> 20} MiB wait for slow clients",
            $"Up to {_endpointValues.Value.Pressure.CloseAtBytes} bytes wait for each slow client, for any number of them: "
            + "Weir:Pressure:NodeMegabytes is 0",
            exposure.IfPublic(Severity.Warning));
        exposure.Add(
            ExposureArea.Memory,
            _endpointValues.Value.Pressure.MaxDelay > TimeSpan.Zero,
            $"A message waits at most {Duration.Format(_endpointValues.Value.Pressure.MaxDelay)} for a slow client",
            "A message waits for a slow client for any time: Weir:Pressure:MaxDelay is 0");
    }
}
