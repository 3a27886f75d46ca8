using System.Runtime.CompilerServices;
using Npgsql;
using Weir.Validation;

namespace Weir.Brokers.Postgres;

/// <summary>How a node connects to PostgreSQL. Read once, when the broker is created.</summary>
public sealed class PostgresOptions
{
    /// <summary>
    /// The server and the database, in Npgsql's format; default <c>Host=localhost;Database=weir;Username=weir</c>. Several hosts are
    /// separated by commas; the node uses the one that is a primary. All nodes of a system have the same database, which
    /// <see cref="PostgresMigration"/> has prepared.
    /// </summary>
    /// <remarks>
    /// Rejected, because the broker sets them itself: <c>Pooling</c>, <c>Maximum Pool Size</c>, <c>Minimum Pool Size</c>,
    /// <c>Keepalive</c>, <c>Timeout</c>, <c>Command Timeout</c>, <c>Multiplexing</c>, <c>Enlist</c>, <c>Search Path</c>,
    /// <c>Target Session Attributes</c> and <c>No Reset On Close</c>.
    /// </remarks>
    public string ConnectionString { get; set; } = "Host=localhost;Database=weir;Username=weir";

    /// <summary>
    /// The timeout of a request, which then fails (with <c>IsUnknown</c> if it was sent); default 2 s. Counted in eighths, and only while
    /// the process runs, as <see cref="ProbeTimeout"/>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than a millisecond, or more than a day.</exception>
    public TimeSpan RequestTimeout { get; set => field = Timeout(value); } = TimeSpan.FromSeconds(2);

    /// <summary>The timeout for making a connection, which is rounded up to a second; default 3 s. A failed attempt is repeated.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than a millisecond, or more than a day.</exception>
    public TimeSpan ConnectTimeout { get; set => field = Timeout(value); } = TimeSpan.FromSeconds(3);

    /// <summary>
    /// The interval of probes: announcements of this node, whose notification must return through the connection that listens; default
    /// 2 s. The missed announcements are searched for at the same interval, whatever notifications arrive.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than a millisecond, or more than a day.</exception>
    public TimeSpan ProbeInterval { get; set => field = Timeout(value); } = TimeSpan.FromSeconds(2);

    /// <summary>The timeout of a probe, after which PostgreSQL counts as unavailable; default 2 s.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than a millisecond, or more than a day.</exception>
    public TimeSpan ProbeTimeout { get; set => field = Timeout(value); } = TimeSpan.FromSeconds(2);

    /// <summary>The most requests without a reply, above which more are refused immediately; default 10,000.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxPending { get; set => field = OptionRange.Number(value, 1, int.MaxValue); } = 10_000;

    /// <summary>
    /// How long a room's epoch and last offset outlive its last use; default 1 day, and at least twice the room's history. A client that
    /// was disconnected longer from a room without activity is notified of a loss. Zero: indefinitely.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than 3,650 days.</exception>
    public TimeSpan MetaTtl { get; set => field = OptionRange.Duration(value, TimeSpan.Zero, OptionRange.LongestKept); }
        = TimeSpan.FromDays(1);

    /// <summary>
    /// How often the node that moves publications out of the outbox looks for them; default 50 ms, which an application avoids by
    /// <c>weir.wake()</c>. Zero: this node moves none.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than a day.</exception>
    public TimeSpan OutboxInterval { get; set => field = OptionRange.Duration(value, TimeSpan.Zero, TimeSpan.FromDays(1)); }
        = TimeSpan.FromMilliseconds(50);

    /// <summary>Validates all options, and that the connection string can be parsed.</summary>
    /// <exception cref="ArgumentException">An option is wrong; the message does not repeat the connection string.</exception>
    public void Validate() => Parse();

    internal NpgsqlConnectionStringBuilder Parse() => ServerAddress.Parse(ConnectionString);

    private static TimeSpan Timeout(TimeSpan value, [CallerMemberName] string option = "")
        => OptionRange.Duration(value, TimeSpan.FromMilliseconds(1), TimeSpan.FromDays(1), option);
}
