using Weir.Brokers.Postgres;
using Weir.Host.Features.Brokers;
using Weir.Host.Settings;
using Weir.Relay.Brokers;

namespace Weir.Host.Features.Postgres;

/// <summary>The broker PostgreSQL.</summary>
internal sealed class PostgresFeature : BrokerFeature
{
    private const string Section = "Weir:Postgres";

    private static readonly TimeSpan _least = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _most = TimeSpan.FromMinutes(5);

    private static readonly SettingTable<PostgresOptions> _table = new SettingTable<PostgresOptions>(Section)
        .Text("ConnectionString", "text", static o => o.ConnectionString, static (o, value) => o.ConnectionString = value,
            "the address of PostgreSQL, in the syntax of Npgsql: `Host=a,b;Database=weir;Username=weir;Password=...`, `SSL Mode=` and so on; "
            + "its schema is created by `Weir.Host migrate`")
        .Duration("RequestTimeout", _least, _most, static o => o.RequestTimeout, static (o, value) => o.RequestTimeout = value,
            "for a reply")
        .Duration("ConnectTimeout", _least, _most, static o => o.ConnectTimeout, static (o, value) => o.ConnectTimeout = value,
            "for a connection, rounded up to seconds")
        .Duration("ProbeInterval", _least, _most, static o => o.ProbeInterval, static (o, value) => o.ProbeInterval = value,
            "how often a probe tests both lanes and the notifications, and missed announcements are searched for")
        .Duration("ProbeTimeout", _least, _most, static o => o.ProbeTimeout, static (o, value) => o.ProbeTimeout = value,
            "how long it may take before PostgreSQL counts as unavailable")
        .Int("MaxPending", "requests", 1, int.MaxValue, static o => o.MaxPending, static (o, value) => o.MaxPending = value,
            "the most without a reply; beyond it requests fail immediately")
        .Duration("MetaTtl", TimeSpan.Zero, TimeSpan.FromDays(3650), static o => o.MetaTtl, static (o, value) => o.MetaTtl = value,
            "how long a room's epoch and last offset outlive its last use, at least twice its history. 0: indefinitely")
        .Duration("OutboxInterval", TimeSpan.Zero, _most, static o => o.OutboxInterval, static (o, value) => o.OutboxInterval = value,
            "how often publications of applications' transactions are searched for. 0: this node moves none");

    private PostgresOptions _options = new();

    public override string Kind => "Postgres";

    public override IEnumerable<Setting> Settings => _table.Settings;

    public override IEnumerable<string> Meters => ["Weir.Brokers.Postgres"];

    /// <summary>Gets the address of the database, for the command <c>migrate</c>.</summary>
    public string ConnectionString => _options.ConnectionString;

    public override void Read(SettingsReader reader)
    {
        _options = _table.Read(reader).Value;
        try
        {
            _options.Validate();
        }
        catch (ArgumentException error)
        {
            // The connection string may contain a password, so the value is not shown.
            reader.Complain($"{Section}:ConnectionString", "", $"as Npgsql reads it; {error.Message}");
        }
    }

    public override void ReportUse(Exposure exposure)
    {
        if (_options.MetaTtl == TimeSpan.Zero)
        {
            exposure.AddOpen(
                ExposureArea.Memory,
                "PostgreSQL keeps the position of every room that was ever used with history: Weir:Postgres:MetaTtl is 0");
        }
    }

    public override IBroker Create(IServiceProvider services) => new PostgresBroker(_options, services.GetService<ILoggerFactory>());
}
