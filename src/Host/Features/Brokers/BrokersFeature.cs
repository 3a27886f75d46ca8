using Weir.Host.Settings;
using Weir.Relay;
using Weir.Relay.Brokers;

namespace Weir.Host.Features.Brokers;

/// <summary>The choice of the brokers that connect this node with others.</summary>
/// <param name="kinds">The brokers; the first is the default.</param>
internal sealed class BrokersFeature(params BrokerFeature[] kinds) : Feature
{
    private readonly SettingTable<Own> _table = new SettingTable<Own>("Weir:Broker")
        .Choice("Kind", [.. kinds.Select(static broker => broker.Kind)], o => o.Kind ?? kinds[0].Kind, static (o, value) => o.Kind = value,
            "the broker between nodes. Memory: a single node. [File](docs/operations/file.md): a single node whose history outlives it. "
            + "[Redis](docs/operations/redis.md), [Kafka](docs/operations/kafka.md), [Nats](docs/operations/nats.md), "
            + "[Postgres](docs/operations/postgres.md)");

    private readonly List<BrokerFeature> _others = [];

    private Own _own = new();
    private RoomRules _rules = new([]);

    public override IEnumerable<Setting> Settings => _table.Settings;

    /// <summary>Gets the names of all brokers.</summary>
    public IReadOnlyList<string> Kinds => [.. kinds.Select(static broker => broker.Kind)];

    /// <summary>Gets the broker of the rooms whose rule names none, once the settings have been read.</summary>
    public BrokerFeature Main => Of(_own.Kind);

    public override void Read(SettingsReader reader) => _own = _table.Read(reader).Value;

    /// <summary>Returns the broker of that name; without a name the main one.</summary>
    public BrokerFeature Of(string? kind) => kind is null ? kinds.First(broker => _own.Kind is null || broker.Kind == _own.Kind)
        : kinds.First(broker => broker.Kind == kind);

    /// <summary>Sets the rules of rooms, whose brokers are used besides the main one.</summary>
    public void Use(RoomRules rules)
    {
        _rules = rules;
        _others.AddRange(rules.All.Select(rule => Of(rule.Broker)).Where(broker => broker != Main).Distinct());
    }

    public override void AddServices(WebApplicationBuilder builder) => builder.Services.AddSingleton(Create);

    protected override void Report(Exposure exposure)
    {
        foreach (BrokerFeature broker in (BrokerFeature[])[Main, .. _others])
        {
            broker.ReportUse(exposure);
        }
    }

    private IBroker Create(IServiceProvider services)
    {
        IBroker main = Main.Create(services);
        return _others.Count == 0 ? main
            : new RoutingBroker(main, _others.ToDictionary(static broker => broker.Kind, broker => broker.Create(services)), _rules);
    }

    private sealed class Own
    {
        public string? Kind { get; set; }
    }
}
