using Weir.Host.Settings;

namespace Weir.Host.Features.Origins;

/// <summary>The web pages that may connect.</summary>
internal sealed class OriginsFeature : Feature
{
    private static readonly SettingTable<WeirOptions> _table = new SettingTable<WeirOptions>("Weir")
        .List("Origins", "list of globs", static (o, values) => o.AllowedOrigins = values,
            "origins a browser may connect from, as `https://*.example.com` or `*`, separated by commas. Empty: the request's own host "
            + "only. Others get 403",
            refused: static error => $"a list of origins such as https://*.example.com, or *; {error.Message}");

    private SettingValues<WeirOptions> _values = new();

    public override IEnumerable<Setting> Settings => _table.Settings;

    public override void Read(SettingsReader reader) => _values = _table.Read(reader);

    public override void Configure(WeirOptions endpoint) => _values.ApplyTo(endpoint);

    protected override void Report(Exposure exposure)
    {
        IReadOnlyList<string> origins = _values.Value.AllowedOrigins;
        exposure.AdmitsEveryOrigin = origins.Contains("*");
        exposure.Add(
            ExposureArea.Origins,
            !exposure.AdmitsEveryOrigin,
            origins.Count == 0
                ? "Pages of other hosts cannot connect (Weir:Origins)"
                : $"Only pages of {string.Join(", ", origins)} can connect (Weir:Origins)",
            "Pages of every host can connect from their visitors' browsers: Weir:Origins is *");
    }
}
