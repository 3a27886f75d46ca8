using Weir.Brokers.Redis;
using Weir.Host.Features.Brokers;
using Weir.Host.Settings;
using Weir.Relay.Brokers;

namespace Weir.Host.Features.Redis;

/// <summary>The broker Redis.</summary>
internal sealed class RedisFeature : BrokerFeature
{
    private const string Section = "Weir:Redis";

    private static readonly TimeSpan _least = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _most = TimeSpan.FromMinutes(5);

    private static readonly SettingTable<RedisOptions> _table = new SettingTable<RedisOptions>(Section)
        .Text("Configuration", "text", static o => o.Configuration, static (o, value) => o.Configuration = value,
            "the address of Redis, in the syntax of StackExchange.Redis: addresses of a server, a Cluster, or Sentinels with "
            + "`serviceName=`, then `user=`, `password=`, `ssl=true` and so on")
        .Text("KeyPrefix", "text", static o => o.KeyPrefix, static (o, value) => o.KeyPrefix = value,
            "prefix of every key and channel, the same on all nodes")
        .Duration("RequestTimeout", _least, _most, static o => o.RequestTimeout, static (o, value) => o.RequestTimeout = value,
            "for a reply")
        .Duration("ConnectTimeout", _least, _most, static o => o.ConnectTimeout, static (o, value) => o.ConnectTimeout = value,
            "for a connection")
        .Duration("ProbeInterval", _least, _most, static o => o.ProbeInterval, static (o, value) => o.ProbeInterval = value,
            "how often a probe tests commands, storage and link")
        .Duration("ProbeTimeout", _least, _most, static o => o.ProbeTimeout, static (o, value) => o.ProbeTimeout = value,
            "how long it may take before Redis counts as unavailable")
        .Int("MaxPending", "requests", 1, int.MaxValue, static o => o.MaxPending, static (o, value) => o.MaxPending = value,
            "the most without a reply; beyond it requests fail immediately")
        .Duration("MetaTtl", TimeSpan.Zero, TimeSpan.FromDays(3650), static o => o.MetaTtl, static (o, value) => o.MetaTtl = value,
            "how long a room's epoch and last offset outlive its last use, at least twice its history. 0: indefinitely");

    private RedisOptions _options = new();

    public override string Kind => "Redis";

    public override IEnumerable<Setting> Settings => _table.Settings;

    public override IEnumerable<string> Meters => ["Weir.Brokers.Redis"];

    public override void Read(SettingsReader reader)
    {
        _options = _table.Read(reader).Value;
        try
        {
            _options.Validate();
        }
        catch (ArgumentException error)
        {
            // The configuration may contain a password, so the value is not shown.
            reader.Complain(Section, "", $"as StackExchange.Redis reads it, and a key prefix without braces; {error.Message}");
        }
    }

    public override void ReportUse(Exposure exposure)
    {
        if (_options.MetaTtl == TimeSpan.Zero)
        {
            exposure.AddOpen(
                ExposureArea.Memory, "Redis keeps the position of every room that was ever used with history: Weir:Redis:MetaTtl is 0");
        }
    }

    public override IBroker Create(IServiceProvider services) => new RedisBroker(_options, services.GetService<ILoggerFactory>());
}
