using Weir.Brokers.Nats;
using Weir.Host.Features.Brokers;
using Weir.Host.Settings;
using Weir.Relay.Brokers;

namespace Weir.Host.Features.Nats;

/// <summary>The broker NATS.</summary>
internal sealed class NatsFeature : BrokerFeature
{
    private const string Section = "Weir:Nats";

    private static readonly TimeSpan _least = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _most = TimeSpan.FromMinutes(5);

    private static readonly SettingTable<NatsOptions> _table = new SettingTable<NatsOptions>(Section)
        .Text("Url", "text", static o => o.Url, static (o, value) => o.Url = value,
            "the servers, separated by commas; `tls://` requires TLS. Other servers of a cluster are found through those named")
        .Text("User", "text", static o => o.User, static (o, value) => o.User = value, "the user, if the servers require one")
        .Text("Password", "text", static o => o.Password, static (o, value) => o.Password = value, "the user's password")
        .Text("Token", "text", static o => o.Token, static (o, value) => o.Token = value, "a token instead of a user")
        .Text("CredentialsFile", "path", static o => o.CredentialsFile, static (o, value) => o.CredentialsFile = value,
            "a file with a JWT and its seed instead of a user")
        .Text("TlsCaFile", "path", static o => o.TlsCaFile, static (o, value) => o.TlsCaFile = value,
            "the certificates (PEM) that may sign the servers'", shownDefault: "those of the system")
        .Text("TlsCertificateFile", "path", static o => o.TlsCertificateFile, static (o, value) => o.TlsCertificateFile = value,
            "this node's certificate (PEM), for servers that require one")
        .Text("TlsKeyFile", "path", static o => o.TlsKeyFile, static (o, value) => o.TlsKeyFile = value, "the key (PEM) of the certificate")
        .Text("Prefix", "text", static o => o.Prefix, static (o, value) => o.Prefix = value,
            "the first token of every subject and the beginning of every stream's name, the same on all nodes")
        .Int("Shards", "streams", 1, 256, static o => o.Shards, static (o, value) => o.Shards = value,
            "the streams among which rooms with history are divided, as many on all nodes")
        .Int("Replicas", "servers", 0, 5, static o => o.Replicas, static (o, value) => o.Replicas = value,
            "how many servers of a cluster store each stream. 0: three in a cluster, one at a single server")
        .Duration("RequestTimeout", _least, _most, static o => o.RequestTimeout, static (o, value) => o.RequestTimeout = value,
            "for a reply")
        .Duration("ConnectTimeout", _least, _most, static o => o.ConnectTimeout, static (o, value) => o.ConnectTimeout = value,
            "for a connection")
        .Duration("ProbeInterval", _least, _most, static o => o.ProbeInterval, static (o, value) => o.ProbeInterval = value,
            "how often a probe tests connection, storage and announcements")
        .Duration("ProbeTimeout", _least, _most, static o => o.ProbeTimeout, static (o, value) => o.ProbeTimeout = value,
            "how long it may take before the connection counts as lost")
        .Int("MaxPending", "requests", 1, int.MaxValue, static o => o.MaxPending, static (o, value) => o.MaxPending = value,
            "the most without a reply; beyond it requests fail immediately")
        .Int("MaxHistory", "messages", 1, 10_000_000, static o => o.MaxHistory, static (o, value) => o.MaxHistory = value,
            "the most that are stored of a room, and so the largest `HistorySize` of the rules")
        .Duration("MetaTtl", TimeSpan.Zero, TimeSpan.FromDays(3650), static o => o.MetaTtl, static (o, value) => o.MetaTtl = value,
            "how long a room's epoch and last offset outlive its last use, at least twice the longest `HistoryTtl`. 0: indefinitely");

    private NatsOptions _options = new();

    public override string Kind => "Nats";

    public override IEnumerable<Setting> Settings => _table.Settings;

    public override IEnumerable<string> Meters => ["Weir.Brokers.Nats"];

    public override void Read(SettingsReader reader)
    {
        _options = _table.Read(reader).Value;
        try
        {
            _options.Validate();
        }
        catch (ArgumentException error)
        {
            // The URL may contain a password, so the value is not shown.
            reader.Complain(Section, "", $"addresses such as nats://host:4222, and at most one way to sign in; {error.Message}");
        }
    }

    public override string? RefusalOf(RoomRule rule) => _options.RefusalOf(rule);

    public override void ReportUse(Exposure exposure)
    {
        if (_options.MetaTtl == TimeSpan.Zero)
        {
            exposure.AddOpen(
                ExposureArea.Memory, "NATS keeps the position of every room that was ever used with history: Weir:Nats:MetaTtl is 0");
        }
    }

    public override IBroker Create(IServiceProvider services) => new NatsBroker(_options, services.GetService<ILoggerFactory>());
}
