using System.Runtime.CompilerServices;
using Weir.Brokers.Nats.Subjects;
using Weir.Relay.Brokers;
using Weir.Validation;

namespace Weir.Brokers.Nats;

/// <summary>How a node connects to NATS, and the subjects and streams that it uses there. Read once, when the broker is created.</summary>
public sealed class NatsOptions
{
    /// <summary>
    /// The servers, separated by commas; default <c>nats://localhost:4222</c>. <c>tls://</c> requires TLS. Other servers of a cluster are
    /// found through those named. nats-server 2.9 or newer; rooms with history and presence need JetStream.
    /// </summary>
    public string Url { get; set; } = "nats://localhost:4222";

    /// <summary>The user; default empty: none, or that of <see cref="Url"/>.</summary>
    public string User { get; set; } = "";

    /// <summary>The user's password; default empty.</summary>
    public string Password { get; set; } = "";

    /// <summary>A token instead of a user; default empty: none.</summary>
    public string Token { get; set; } = "";

    /// <summary>The path of a credentials file (JWT and seed) instead of a user; default empty: none.</summary>
    public string CredentialsFile { get; set; } = "";

    /// <summary>The path of the certificates (PEM) that may sign the server's; default empty: those of the system.</summary>
    public string TlsCaFile { get; set; } = "";

    /// <summary>The path of the client's certificate (PEM); default empty: none.</summary>
    public string TlsCertificateFile { get; set; } = "";

    /// <summary>The path of the key (PEM) of <see cref="TlsCertificateFile"/>; default empty: none.</summary>
    public string TlsKeyFile { get; set; } = "";

    /// <summary>
    /// The first token of every subject, and the beginning of every stream's name, so that systems can share an account; default
    /// <c>weir</c>. ASCII letters, digits, <c>-</c> and <c>_</c>. All nodes of a system have the same.
    /// </summary>
    public string Prefix { get; set; } = "weir";

    /// <summary>
    /// The number of streams among which rooms with history are divided; default 4. All nodes have the same; a server refuses the
    /// streams of another number.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1, or more than 256.</exception>
    public int Shards { get; set => field = OptionRange.Number(value, 1, 256); } = 4;

    /// <summary>
    /// On how many servers of a cluster each stream is stored; default 0: three in a cluster, one at a single server. A stream that exists
    /// keeps its number.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than 5.</exception>
    public int Replicas { get; set => field = OptionRange.Number(value, 0, 5); }

    /// <summary>
    /// The timeout of a request, which then fails (with <c>IsUnknown</c>, as it may have been executed); default 2 s. Counted in
    /// eighths, and only while the process runs.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than a millisecond, or more than a day.</exception>
    public TimeSpan RequestTimeout { get; set => field = Timeout(value); } = TimeSpan.FromSeconds(2);

    /// <summary>The timeout for making a connection; default 3 s. An attempt that fails is repeated.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than a millisecond, or more than a day.</exception>
    public TimeSpan ConnectTimeout { get; set => field = Timeout(value); } = TimeSpan.FromSeconds(3);

    /// <summary>
    /// The interval of probes, which are stored and must return as an announcement; default 2 s. Detects connections that were lost without
    /// notice.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than a millisecond, or more than a day.</exception>
    public TimeSpan ProbeInterval { get; set => field = Timeout(value); } = TimeSpan.FromSeconds(2);

    /// <summary>The timeout of a probe, after which the connection counts as lost; default 2 s.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than a millisecond, or more than a day.</exception>
    public TimeSpan ProbeTimeout { get; set => field = Timeout(value); } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// The most requests that wait or are in flight, above which more are refused immediately; default 10,000.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxPending { get; set => field = OptionRange.Number(value, 1, int.MaxValue); } = 10_000;

    /// <summary>
    /// The most messages that are stored of a room, and so the largest <see cref="RoomRule.HistorySize"/> of the rules; default 1,000. Rooms
    /// with a smaller history use as much of the disk.
    /// </summary>
    /// <remarks>
    /// Not reduced in streams that exist. In a cluster it is not raised either: a server that is restarted may first apply the smaller
    /// limit again, and lose what the larger one kept.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1, or more than 10 million.</exception>
    public int MaxHistory { get; set => field = OptionRange.Number(value, 1, 10_000_000); } = 1000;

    /// <summary>
    /// How long a room's epoch and last offset outlive its last use, and the longest time that a publication is stored; default 1 day. At
    /// least twice the longest <see cref="RoomRule.HistoryTtl"/> of the rules. Zero: indefinitely.
    /// </summary>
    /// <remarks>Changed in streams that exist as <see cref="MaxHistory"/> is.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than 3,650 days.</exception>
    public TimeSpan MetaTtl { get; set => field = OptionRange.Duration(value, TimeSpan.Zero, OptionRange.LongestKept); }
        = TimeSpan.FromDays(1);

    /// <summary>Returns why rooms of a rule cannot be kept with these options; <c>null</c> if they can.</summary>
    public string? RefusalOf(RoomRule rule)
    {
        ArgumentNullException.ThrowIfNull(rule);
        return !rule.KeepsHistory ? null
            : rule.HistorySize > MaxHistory
                ? $"The rule of {rule.Pattern} has a HistorySize of {rule.HistorySize}, and MaxHistory is {MaxHistory}."
            : MetaTtl != TimeSpan.Zero && (rule.HistoryTtl == TimeSpan.Zero || 2 * rule.HistoryTtl > MetaTtl)
                ? $"The rule of {rule.Pattern} has a HistoryTtl of {rule.HistoryTtl}, and MetaTtl must be at least twice as long, or 0 for an "
                    + $"indefinite one; it is {MetaTtl}."
            : null;
    }

    /// <summary>Validates all options; files are read when the broker connects.</summary>
    /// <exception cref="ArgumentException">An option is wrong; the message names it and does not repeat the URL.</exception>
    public void Validate()
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(Url);
        foreach (string server in Servers)
        {
            if (!Uri.TryCreate(server.Contains("://", StringComparison.Ordinal) ? server : "nats://" + server, UriKind.Absolute, out Uri? uri)
                || uri.Scheme is not ("nats" or "tls") || uri.Host.Length == 0)
            {
                throw new ArgumentException("An address must be nats://host:port or tls://host:port.", nameof(Url));
            }
        }

        if (Prefix.Length is 0 or > 32 || Prefix.AsSpan().ContainsAnyExcept(Names.PrefixCharacters))
        {
            throw new ArgumentException("A prefix has 1 to 32 ASCII letters, digits, '-' and '_'.", nameof(Prefix));
        }

        int ways = (User.Length > 0 ? 1 : 0) + (Token.Length > 0 ? 1 : 0) + (CredentialsFile.Length > 0 ? 1 : 0);
        if (ways > 1)
        {
            throw new ArgumentException("Set only one of User, Token and CredentialsFile.", nameof(User));
        }

        if ((TlsCertificateFile.Length > 0) != (TlsKeyFile.Length > 0))
        {
            throw new ArgumentException("A certificate and its key are set together.", nameof(TlsKeyFile));
        }
    }

    internal string[] Servers
        => Url.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static TimeSpan Timeout(TimeSpan value, [CallerMemberName] string option = "")
        => OptionRange.Duration(value, TimeSpan.FromMilliseconds(1), TimeSpan.FromDays(1), option);
}
