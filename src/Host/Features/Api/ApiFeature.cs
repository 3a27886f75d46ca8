using Weir.Host.Features.Management;
using Weir.Host.Settings;
using Weir.Relay;

namespace Weir.Host.Features.Api;

/// <summary>The HTTP API for back ends, at <c>/api</c>.</summary>
/// <param name="configureEndpoint">Applies the settings of all endpoints.</param>
internal sealed class ApiFeature(Action<WeirOptions> configureEndpoint) : Feature
{
    // A shorter key was probably typed, not generated.
    private const int ShortKey = 16;

    private static readonly SettingTable<ApiOptions> _table = new SettingTable<ApiOptions>("Weir:Api")
        .Text("Key", "text", static o => o.Key, static (o, value) => o.Key = value,
            "the required value of `X-API-Key`. Empty: the API is off");

    private SettingValues<ApiOptions> _values = new();

    public override IEnumerable<Setting> Settings => _table.Settings;

    public override void Read(SettingsReader reader) => _values = _table.Read(reader);

    public override void Map(WebApplication app) => app.MapWeirApi("/api", Configure).WithMetadata(ManagementEndpoint.Mark);

    protected override void Report(Exposure exposure)
    {
        int length = _values.Value.Key.Length;
        exposure.Add(
            ExposureArea.Endpoints,
            length == 0,
            "/api does not exist: Weir:Api:Key is empty",
            "/api is enabled: the holder of Weir:Api:Key can publish to every room and disconnect every client",
            exposure.IfPublic(Severity.Warning));
        if (length is > 0 and < ShortKey)
        {
            exposure.AddOpen(ExposureArea.Endpoints, $"Weir:Api:Key has {length} characters: it can be guessed", Severity.Danger);
        }
    }

    private void Configure(ApiOptions options)
    {
        WeirOptions sockets = new();
        configureEndpoint(sockets);
        _values.ApplyTo(options);
        options.MaxBodyBytes = sockets.MaxMessageBytes + (64 * 1024); // a message of the largest size, and its envelope
    }
}
