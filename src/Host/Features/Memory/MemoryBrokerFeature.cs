using Weir.Host.Features.Brokers;
using Weir.Host.Settings;
using Weir.Relay;
using Weir.Relay.Brokers;

namespace Weir.Host.Features.Memory;

/// <summary>The broker of a single node.</summary>
internal sealed class MemoryBrokerFeature : BrokerFeature
{
    private static readonly SettingTable<MemoryBrokerOptions> _table = new SettingTable<MemoryBrokerOptions>("Weir:Broker")
        .Int("MemoryMegabytes", "MiB", 0, 1 << 20,
            static o => (int)(o.MaxHistoryBytes >> 20), static (o, value) => o.MaxHistoryBytes = (long)value << 20,
            "the most history kept in memory; beyond it a publication drops its room's history. 0: unlimited");

    private MemoryBrokerOptions _options = new();

    public override string Kind => "Memory";

    public override bool IsSingleNode => true;

    public override IEnumerable<Setting> Settings => _table.Settings;

    public override void Read(SettingsReader reader) => _options = _table.Read(reader).Value;

    public override void ReportUse(Exposure exposure)
    {
        exposure.KeepsAnyHistory = _options.MaxHistoryBytes == 0;
        exposure.Memory.AddNode(_options.MaxHistoryBytes);
    }

    public override IBroker Create(IServiceProvider services) => new MemoryBroker(_options);
}
