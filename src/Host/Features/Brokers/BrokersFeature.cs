using Weir.Host.Settings;

namespace Weir.Host.Features.Brokers;

/// <summary>The choice of the broker that connects this node with others.</summary>
/// <param name="kinds">The brokers; the first is the default.</param>
internal sealed class BrokersFeature(params BrokerFeature[] kinds) : Feature
{
    private readonly SettingTable<Own> _table = new SettingTable<Own>("Weir:Broker")
        .Choice("Kind", [.. kinds.Select(static broker => broker.Kind)], o => o.Kind ?? kinds[0].Kind, static (o, value) => o.Kind = value,
            "the broker between nodes. Memory: a single node. [File](docs/operations/file.md): a single node whose history outlives it. "
            + "[Redis](docs/operations/redis.md), [Kafka](docs/operations/kafka.md), [Nats](docs/operations/nats.md), "
            + "[Postgres](docs/operations/postgres.md)");

    private Own _own = new();

    public override IEnumerable<Setting> Settings => _table.Settings;

    public override void Read(SettingsReader reader) => _own = _table.Read(reader).Value;

    /// <summary>Gets the broker that is used, once the settings have been read.</summary>
    public BrokerFeature Used => kinds.First(broker => _own.Kind is null || broker.Kind == _own.Kind);

    public override void AddServices(WebApplicationBuilder builder) => Used.AddBroker(builder.Services);

    protected override void Report(Exposure exposure) => Used.ReportUse(exposure);

    private sealed class Own
    {
        public string? Kind { get; set; }
    }
}
