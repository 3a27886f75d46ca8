using Weir.Host.Settings;

namespace Weir.Host.Features.Deflate;

/// <summary>Compression by permessage-deflate.</summary>
internal sealed class DeflateFeature : Feature
{
    private static readonly SettingTable<WeirOptions> _table = new SettingTable<WeirOptions>("Weir:Deflate")
        .Bool("Enabled", static o => o.Deflate.Enabled, static (o, value) => o.Deflate.Enabled = value, "offers permessage-deflate")
        .Int("ServerMaxWindowBits", "bits", 9, 15,
            static o => o.Deflate.ServerMaxWindowBits, static (o, value) => o.Deflate.ServerMaxWindowBits = value,
            "the window of the server's messages")
        .Int("ClientMaxWindowBits", "bits", 9, 15,
            static o => o.Deflate.ClientMaxWindowBits, static (o, value) => o.Deflate.ClientMaxWindowBits = value,
            "requested from clients that offer the parameter")
        .Bool("ServerContextTakeover",
            static o => o.Deflate.ServerContextTakeover, static (o, value) => o.Deflate.ServerContextTakeover = value,
            "true compresses better and costs up to 324 KB per connection that has been sent to")
        .Bool("ClientContextTakeover",
            static o => o.Deflate.ClientContextTakeover, static (o, value) => o.Deflate.ClientContextTakeover = value,
            "costs 10 KB (small messages) to 68 KB (a full window) per connection that has sent "
            + "([measured](docs/operations/tuning.md#compression)); false requests that clients reset their context, which Apple's stacks "
            + "agree to and do not do (1007)")
        .Int("MinimumBytes", "bytes", 0, 1 << 30,
            static o => o.Deflate.MinimumBytes, static (o, value) => o.Deflate.MinimumBytes = value,
            "smaller messages are sent uncompressed; 0 compresses all")
        .Int("Level", "", 1, 9, static o => o.Deflate.Level, static (o, value) => o.Deflate.Level = value,
            "zlib's: 1 is fastest, 9 compresses best");

    private SettingValues<WeirOptions> _values = new();

    public override IEnumerable<Setting> Settings => _table.Settings;

    public override void Read(SettingsReader reader) => _values = _table.Read(reader);

    public override void Configure(WeirOptions endpoint) => _values.ApplyTo(endpoint);

    // The figures were measured: docs/operations/tuning.md.
    protected override void Report(Exposure exposure)
    {
        DeflateOptions deflate = _values.Value.Deflate;
        if (!deflate.Enabled)
        {
            return;
        }

        if (deflate.ClientContextTakeover)
        {
            exposure.AddOpen(
                ExposureArea.Memory,
                "Compression keeps 10 to 68 KB for each connection that has sent: Weir:Deflate:ClientContextTakeover is on",
                Severity.Note);
            exposure.Memory.AddBusy(68_000);
        }

        if (deflate.ServerContextTakeover)
        {
            exposure.AddOpen(
                ExposureArea.Memory,
                "Compression keeps up to 324 KB for each connection that was sent to: Weir:Deflate:ServerContextTakeover is on");
            exposure.Memory.AddBusy(324_000);
        }
    }
}
