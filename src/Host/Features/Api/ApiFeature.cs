using Weir.Host.Features.Management;
using Weir.Host.Settings;
using Weir.Relay;
using Weir.Relay.Api;

namespace Weir.Host.Features.Api;

/// <summary>The HTTP API for back ends, at <c>/api</c>.</summary>
/// <param name="configureEndpoint">Applies the settings of all endpoints.</param>
internal sealed class ApiFeature(Action<WeirOptions> configureEndpoint) : Feature
{
    // A shorter key was probably typed, not generated.
    private const int ShortKey = 16;

    private static readonly SettingTable<ApiOptions> _table = new SettingTable<ApiOptions>("Weir:Api")
        .Text("Key", "text", static o => o.Key, static (o, value) => o.Key = value,
            "a value of `X-API-Key` with all rights. Empty, and no `Weir:Api:Keys`: the API is off");

    private readonly List<ApiKey> _keys = [];
    private SettingValues<ApiOptions> _values = new();

    public override IEnumerable<Setting> Settings => [.. _table.Settings, .. ApiKeySettings.Table.Settings];

    public override void Read(SettingsReader reader)
    {
        _values = _table.Read(reader);
        foreach (string entry in reader.ReadEntries(ApiKeySettings.Section))
        {
            ApiKey key = ApiKeySettings.Table.Read(reader, entry).Value.ToKey();
            Complain(reader, entry, key);
            _keys.Add(key);
        }
    }

    public override void Map(WebApplication app) => app.MapWeirApi("/api", Configure).WithMetadata(ManagementEndpoint.Mark);

    protected override void Report(Exposure exposure)
    {
        string own = _values.Value.Key;
        exposure.Add(
            ExposureArea.Endpoints,
            own.Length == 0 && _keys.Count == 0,
            "/api does not exist: Weir:Api:Key is empty, and there are no Weir:Api:Keys",
            "/api is enabled, for " + (own.Length > 0 ? "the holder of Weir:Api:Key" : $"the holders of {_keys.Count} Weir:Api:Keys"),
            Severity.Note);
        if (own.Length > 0)
        {
            ReportKey(exposure, "Weir:Api:Key", new ApiKey("default", own));
        }

        for (int i = 0; i < _keys.Count; i++)
        {
            ReportKey(exposure, $"{ApiKeySettings.Section}:{i} ({_keys[i].Name})", _keys[i]);
        }
    }

    private static void ReportKey(Exposure exposure, string setting, ApiKey key)
    {
        if (key.Value.Length < ShortKey)
        {
            exposure.AddOpen(ExposureArea.Endpoints, $"{setting} has {key.Value.Length} characters: it can be guessed", Severity.Danger);
        }

        string rooms = string.Join(", ", key.Rooms);
        exposure.Add(
            ExposureArea.Endpoints,
            !key.Rights.HasFlag(ApiRights.All) || !key.Rooms.Contains("*"),
            $"The holder of {setting} has the rights {key.Rights} for rooms like {rooms}",
            $"The holder of {setting} can publish to every room and disconnect every client: a key of Weir:Api:Keys has only the rights "
            + "that its holder needs",
            exposure.IfPublic(Severity.Warning));
    }

    private void Complain(SettingsReader reader, string entry, ApiKey key)
    {
        if (key.Name.Length == 0 || key.Name == "default" || _keys.Exists(other => other.Name == key.Name))
        {
            reader.Complain($"{entry}:Name", key.Name, "a name that no other key has, and not 'default'");
        }

        if (key.Value.Length == 0 || key.Value == _values.Value.Key || _keys.Exists(other => other.Value == key.Value))
        {
            reader.Complain($"{entry}:Key", key.Value.Length == 0 ? "" : "(not shown)", "a value that no other key has");
        }

        if (key.Rights == ApiRights.None && !reader.Complaints.Any(line => line.StartsWith($"{entry}:Rights", StringComparison.Ordinal)))
        {
            reader.Complain($"{entry}:Rights", "", "a list of at least one right, or *");
        }
    }

    private void Configure(ApiOptions options)
    {
        WeirOptions sockets = new();
        configureEndpoint(sockets);
        _values.ApplyTo(options);
        options.Keys = _keys;
        options.MaxBodyBytes = sockets.MaxMessageBytes + (64 * 1024); // a message of the largest size, and its envelope
    }
}
