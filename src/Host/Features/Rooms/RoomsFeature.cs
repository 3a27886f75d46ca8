using System.Globalization;
using Microsoft.AspNetCore.Connections;
using Weir.Host.Features.Auth;
using Weir.Host.Features.Brokers;
using Weir.Host.Settings;
using Weir.Relay;
using Weir.Relay.Brokers;
using Weir.Relay.Nodes;

namespace Weir.Host.Features.Rooms;

/// <summary>Rooms across nodes, and the endpoint <c>/ws</c> of their raw members.</summary>
/// <param name="auth">The rules of rooms depend on whether clients can be distinguished.</param>
/// <param name="brokers">The broker may not keep history, or not that of a rule; read before.</param>
/// <param name="configureEndpoint">Applies the settings of all endpoints.</param>
internal sealed class RoomsFeature(AuthFeature auth, BrokersFeature brokers, Action<WeirOptions> configureEndpoint) : Feature
{
    public const string Section = "Weir:Rooms";

    private const string Path = "/ws";

    private static readonly SettingTable<RelayOptions> _broker = new SettingTable<RelayOptions>("Weir:Broker")
        .Duration("PositionCheckInterval", TimeSpan.FromSeconds(1), TimeSpan.FromHours(1),
            static o => o.PositionCheckInterval, static (o, value) => o.PositionCheckInterval = value,
            "how often the position of a room with history is compared with the broker's")
        .Duration("PresenceLifetime", TimeSpan.FromSeconds(3), TimeSpan.FromHours(1),
            static o => o.PresenceLifetime, static (o, value) => o.PresenceLifetime = value,
            "how long the clients of a node that died are still shown as present")
        .Duration("Timeout", TimeSpan.Zero, TimeSpan.FromMinutes(1),
            static o => o.BrokerTimeout, static (o, value) => o.BrokerTimeout = value,
            "the longest that a connection waits for a slow broker when it opens or publishes. 0: does not wait")
        .Int("MaxPublishesInFlight", "messages", 1, 1 << 20,
            static o => o.MaxPublishesInFlight, static (o, value) => o.MaxPublishesInFlight = value,
            "the most in flight to the broker; beyond it publishers wait");

    private static readonly SettingTable<RelayOptions> _node = new SettingTable<RelayOptions>("Weir:Node")
        .Text("Name", "text", static o => o.NodeName, static (o, value) => o.NodeName = value, "this node's name in `info`",
            shownDefault: "the machine's");

    private readonly SettingTable<RoomRuleSettings> _rule = RoomRuleSettings.NewTable(brokers.Kinds);

    private SettingValues<RelayOptions> _brokerValues = new();
    private SettingValues<RelayOptions> _nodeValues = new();
    private RoomRules _rules = new([]);

    public override IEnumerable<Setting> Settings => [.. _rule.Settings, .. _broker.Settings, .. _node.Settings];

    public override IEnumerable<PathString> PathsWithHeadLimit => [Path];

    public override IEnumerable<string> Meters => ["Weir.Relay"];

    public override void Read(SettingsReader reader)
    {
        _brokerValues = _broker.Read(reader);
        _nodeValues = _node.Read(reader);
        List<RoomRule> rules = [];
        foreach (string entry in reader.ReadEntries(Section))
        {
            RoomRuleSettings rule = _rule.Read(reader, entry).Value;
            if (rule.Pattern.Length == 0)
            {
                reader.Complain($"{entry}:Pattern", rule.Pattern, "a glob over the names of rooms, such as chat:* or *");
            }

            ComplainAboutBroker(reader, entry, rule);
            if (!auth.IsEnabled)
            {
                ComplainAboutAccess(reader, entry, rule);
            }

            rules.Add(rule.ToRule());
            if (brokers.Of(rule.Broker).RefusalOf(rules[^1]) is { } refusal)
            {
                reader.Complain(entry, "", $"rules that the broker can keep; {refusal}");
            }
        }

        _rules = new RoomRules(rules);
        brokers.Use(_rules);
    }

    public override void AddServices(WebApplicationBuilder builder)
    {
        builder.Services.AddWeirRelay(Configure);
        builder.Services.AddSingleton<RelayHandler>();
    }

    public override void UseAboveTls(IConnectionBuilder listener) => listener.UseWeir<RelayHandler>(Path, configureEndpoint);

    public override void Map(WebApplication app)
        => app.MapWeir(Path, app.Services.GetRequiredService<RelayHandler>(), configureEndpoint);

    protected override void Report(Exposure exposure)
    {
        foreach (RoomRule rule in _rules.All.Where(rule => auth.IsEnabled && rule.Access == RoomAccess.Open))
        {
            string who = auth.AllowsAnonymous ? "every client" : "every client with a token";
            string what = rule.Publish == RoomPublishing.Members ? "listen and publish" : "listen";
            exposure.AddOpen(ExposureArea.Rooms, $"Rooms like {rule.Pattern} are open: {who} may {what} (Access=Open)", Severity.Note);
        }

        foreach (RoomRule rule in _rules.All.Where(static rule => rule.HistorySize > 0))
        {
            if (exposure.KeepsAnyHistory)
            {
                exposure.AddOpen(
                    ExposureArea.Memory,
                    $"The history of rooms like {rule.Pattern} has no bound in memory, and a client makes a room by joining it: "
                    + "Weir:Broker:MemoryMegabytes is 0",
                    Severity.Danger);
            }

            if (rule.HistoryTtl == TimeSpan.Zero)
            {
                exposure.AddOpen(
                    ExposureArea.Memory, $"The history of rooms like {rule.Pattern} is kept indefinitely after their last use: HistoryTtl is 0");
            }
        }
    }

    private void ComplainAboutBroker(SettingsReader reader, string entry, RoomRuleSettings rule)
    {
        if (rule.Broker == brokers.Main.Kind)
        {
            rule.Broker = null;
        }

        BrokerFeature broker = brokers.Of(rule.Broker);
        if (broker.IsSingleNode != brokers.Main.IsSingleNode)
        {
            string single = broker.IsSingleNode ? broker.Kind : brokers.Main.Kind;
            reader.Complain(
                $"{entry}:Broker", broker.Kind,
                $"no value, or a broker that fits Weir:Broker:Kind={brokers.Main.Kind}: {single} is for a single node, the other connects several");
        }

        if (rule.HistorySize > 0 && !broker.KeepsHistory)
        {
            reader.Complain(
                $"{entry}:HistorySize", rule.HistorySize.ToString(CultureInfo.InvariantCulture),
                $"0 with the broker {broker.Kind}, which keeps no history; rooms with history need another broker, such as {entry}:Broker=Redis");
        }
    }

    // Without tokens clients cannot be distinguished, and a room configured as private would be open.
    private static void ComplainAboutAccess(SettingsReader reader, string entry, RoomRuleSettings rule)
    {
        if (reader.Configuration[$"{entry}:Access"] is { } access)
        {
            reader.Complain($"{entry}:Access", access, $"no value unless {AuthFeature.Section} is set: every client may listen");
        }

        if (rule.Publish == RoomPublishing.Granted)
        {
            reader.Complain($"{entry}:Publish", "Granted", $"Members or Nobody unless {AuthFeature.Section} is set");
        }
    }

    private void Configure(RelayOptions options)
    {
        _brokerValues.ApplyTo(options);
        _nodeValues.ApplyTo(options);
        options.Rules = _rules;
    }
}
