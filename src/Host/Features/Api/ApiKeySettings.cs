using Weir.Host.Settings;
using Weir.Relay;
using Weir.Relay.Api;

namespace Weir.Host.Features.Api;

/// <summary>An entry of <c>Weir:Api:Keys</c>, while it is read.</summary>
internal sealed class ApiKeySettings
{
    public const string Section = "Weir:Api:Keys";

    private const string Every = "*";

    // By the names of the API's methods.
    private static readonly Dictionary<string, ApiRights> _rights = new(StringComparer.OrdinalIgnoreCase)
    {
        ["publish"] = ApiRights.Publish,
        ["history"] = ApiRights.History,
        ["history_remove"] = ApiRights.HistoryRemove,
        ["presence"] = ApiRights.Presence,
        ["disconnect"] = ApiRights.Disconnect,
        ["info"] = ApiRights.Info,
        [Every] = ApiRights.All,
    };

    /// <summary>Its settings.</summary>
    public static readonly SettingTable<ApiKeySettings> Table = new SettingTable<ApiKeySettings>($"{Section}:<n>")
        .Text("Name", "text", static o => o.Name, static (o, value) => o.Name = value,
            "the name of the key in the log of calls (`Weir.Audit`), one for each key", shownDefault: "required")
        .Text("Key", "text", static o => o.Key, static (o, value) => o.Key = value,
            "a value of `X-API-Key`. Several are valid at the same time, so that one can be replaced without an interruption",
            shownDefault: "required")
        .List("Rights", "list", static (o, values) => o.Rights = RightsOf(values),
            "what it permits: `publish` (and broadcast), `history`, `history_remove`, `presence`, `disconnect`, `info` (and channels), or `*`",
            shownDefault: "required",
            refused: static _ => $"a list of {string.Join(", ", _rights.Keys)}")
        .List("Rooms", "list of globs", static (o, values) => o.Rooms = values,
            "the rooms to which the rights apply; `disconnect` and `info` concern all", shownDefault: "`*`");

    public string Name { get; private set; } = "";

    public string Key { get; private set; } = "";

    public ApiRights Rights { get; private set; }

    public IReadOnlyList<string> Rooms { get; private set; } = [Every];

    public ApiKey ToKey() => new(Name, Key) { Rights = Rights, Rooms = Rooms };

    private static ApiRights RightsOf(IReadOnlyList<string> names)
    {
        ApiRights rights = ApiRights.None;
        foreach (string name in names)
        {
            rights |= _rights.TryGetValue(name, out ApiRights right) ? right : throw new ArgumentException("There is no such right.", nameof(names));
        }

        return rights;
    }
}
