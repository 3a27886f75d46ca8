using Weir.Host.Settings;
using Weir.Relay.Brokers;

namespace Weir.Host.Features.Rooms;

/// <summary>An entry of <c>Weir:Rooms</c>, while it is read.</summary>
internal sealed class RoomRuleSettings
{
    /// <summary>Creates the table of its settings.</summary>
    /// <param name="brokers">The names of all brokers.</param>
    public static SettingTable<RoomRuleSettings> NewTable(IReadOnlyList<string> brokers)
        => new SettingTable<RoomRuleSettings>($"{RoomsFeature.Section}:<n>")
            .Text("Pattern", "glob", static o => o.Pattern, static (o, value) => o.Pattern = value,
                "the rooms to which the other keys of this `<n>` apply; `*` and `?`, case-sensitive. The first pattern that matches a name "
                + "applies, in the order of the numbers",
                shownDefault: "required")
            .Int("HistorySize", "messages", 0, 1 << 20,
                static o => o.HistorySize, static (o, value) => o.HistorySize = value,
                "the most that are kept, each with an offset. 0: no history, no offsets")
            .Duration("HistoryTtl", TimeSpan.Zero, TimeSpan.FromDays(365),
                static o => o.HistoryTtl, static (o, value) => o.HistoryTtl = value,
                "how long a room's history outlives its last message. 0: indefinitely")
            .Bool("Durable", static o => o.Durable, static (o, value) => o.Durable = value,
                "a raw member's message counts only if the broker has stored it: else its sender is closed with 1013 \"not stored\", "
                + "[instead](docs/reference/guarantees.md#publications-without-an-offset) of the message reaching the members it can. "
                + "Publishes that get an answer then fail in any room")
            .Bool("Presence", static o => o.Presence, static (o, value) => o.Presence = value, "presence is recorded and can be queried")
            .Enum("Access", static o => o.Access, static (o, value) => o.Access = value,
                "which connected clients may subscribe: `Granted` those with a grant in their token, `Open` all, `Private` those with a token "
                + "for the room. Needs `Weir:Auth`")
            .Enum("Publish", static o => o.Publish, static (o, value) => o.Publish = value,
                "which clients may publish: `Members`, `Granted` by their token, `Nobody` for back ends only")
            .Choice("Broker", brokers, static o => o.Broker ?? "", static (o, value) => o.Broker = value,
                "the broker of these rooms; the section of its own settings applies. Memory and File cannot be combined with others",
                shownDefault: "`Weir:Broker:Kind`");

    public string Pattern { get; set; } = "";

    public int HistorySize { get; set; } = RoomRule.Default.HistorySize;

    public TimeSpan HistoryTtl { get; set; } = RoomRule.Default.HistoryTtl;

    public bool Durable { get; set; } = RoomRule.Default.Durable;

    public bool Presence { get; set; } = RoomRule.Default.Presence;

    public RoomAccess Access { get; set; } = RoomRule.Default.Access;

    public RoomPublishing Publish { get; set; } = RoomRule.Default.Publish;

    public string? Broker { get; set; }

    public RoomRule ToRule() => new()
    {
        Pattern = Pattern.Length > 0 ? Pattern : RoomRule.Default.Pattern,
        HistorySize = HistorySize,
        HistoryTtl = HistoryTtl,
        Durable = Durable,
        Presence = Presence,
        Access = Access,
        Publish = Publish,
        Broker = Broker,
    };
}
