using Weir.Brokers.File;
using Weir.Host.Features.Brokers;
using Weir.Host.Settings;
using Weir.Relay.Brokers;

namespace Weir.Host.Features.File;

/// <summary>The broker of a single node whose history outlives it.</summary>
internal sealed class FileFeature : BrokerFeature
{
    private const string Section = "Weir:File";

    private static readonly SettingTable<FileBrokerOptions> _table = new SettingTable<FileBrokerOptions>(Section)
        .Text("Path", "folder", static o => o.Path, static (o, value) => o.Path = value,
            "the folder of the broker File, which one node uses; it is created. Required if `Weir:Broker:Kind` is File")
        .Enum("Sync", static o => o.Sync, static (o, value) => o.Sync = value,
            "when publications are written through to the disk, which matters if the power fails: Interval: every `SyncInterval`; Always: "
            + "before a publish completes; Never: when the operating system decides. Messages to durable rooms, and those that get an answer, "
            + "always wait for the disk")
        .Duration("SyncInterval", TimeSpan.FromMilliseconds(10), TimeSpan.FromHours(1),
            static o => o.SyncInterval, static (o, value) => o.SyncInterval = value, "of `Sync=Interval`")
        .Int("MaxMegabytes", "MiB", 0, 1 << 20,
            static o => (int)(o.MaxHistoryBytes >> 20), static (o, value) => o.MaxHistoryBytes = (long)value << 20,
            "the most history kept, in memory and on disk; beyond it a publication drops its room's history. 0: unlimited")
        .Int("CompactMegabytes", "MiB", 1, 1 << 20,
            static o => (int)(o.CompactAfterBytes >> 20), static (o, value) => o.CompactAfterBytes = (long)value << 20,
            "the size of the log from which it is replaced by a snapshot, at least that of the last snapshot")
        .Int("MaxPending", "requests", 1, int.MaxValue, static o => o.MaxPending, static (o, value) => o.MaxPending = value,
            "the most that wait for the disk; beyond it requests fail immediately");

    private FileBrokerOptions _options = new();

    public override string Kind => "File";

    public override bool IsSingleNode => true;

    public override IEnumerable<Setting> Settings => _table.Settings;

    public override IEnumerable<string> Meters => ["Weir.Brokers.File"];

    public override void Read(SettingsReader reader)
    {
        _options = _table.Read(reader).Value;
        if (IsChosen(reader) && _options.Path.Length == 0)
        {
            reader.Complain($"{Section}:Path", "", "a folder that this process may write to, if Weir:Broker:Kind is File");
        }
    }

    public override IBroker Create(IServiceProvider services) => new FileBroker(
        _options, services.GetService<ILoggerFactory>(), meters: services.GetService<System.Diagnostics.Metrics.IMeterFactory>());
}
