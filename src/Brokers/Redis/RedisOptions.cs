using System.Runtime.CompilerServices;
using StackExchange.Redis;
using Weir.Validation;

namespace Weir.Brokers.Redis;

/// <summary>How a node connects to Redis, and the keys it keeps there. Read once, when the broker is created.</summary>
public sealed class RedisOptions
{
    /// <summary>
    /// The servers, in StackExchange.Redis's format; default <c>localhost:6379</c>. Several addresses of a Redis Cluster, or of
    /// Sentinels with <c>serviceName=</c>, separated by commas; <c>user=</c>, <c>password=</c>, <c>ssl=true</c> and so on
    /// after them. Redis 7 or newer.
    /// </summary>
    /// <remarks>
    /// <c>defaultDatabase=</c> separates systems too: its number is in the names of channels, which Redis does not keep per
    /// database. A Cluster has only 0. Rejected, because Weir's own connections or scripts could not honour them:
    /// <c>channelPrefix</c> (see <see cref="KeyPrefix"/>), <c>proxy</c>, <c>tunnel</c>, <c>protocol=resp2</c>,
    /// <c>highIntegrity</c>, renamed commands (<c>$</c>), and options that a property here sets: <c>connectTimeout</c>,
    /// <c>asyncTimeout</c>, <c>syncTimeout</c>, <c>responseTimeout</c>, <c>connectRetry</c>.
    /// </remarks>
    public string Configuration { get; set; } = "localhost:6379";

    /// <summary>
    /// The prefix of every key and channel, so that systems can share a Redis; default <c>weir:</c>. All nodes of a system have
    /// the same. Must not contain braces: they would decide in which slot of a Redis Cluster a room lies.
    /// </summary>
    public string KeyPrefix { get; set; } = "weir:";

    /// <summary>
    /// The timeout of a request, which then fails (with <c>IsUnknown</c>, as it may have been executed); default 2 s.
    /// Counted in eighths, and only while the process runs, as the other timeouts here.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than a millisecond, or more than a day.</exception>
    public TimeSpan RequestTimeout { get; set => field = Timeout(value); } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// The timeout for making a connection; default 3 s. That of the connection for commands goes by the clock, in the library; an
    /// attempt that fails is repeated.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than a millisecond, or more than a day.</exception>
    public TimeSpan ConnectTimeout { get; set => field = Timeout(value); } = TimeSpan.FromSeconds(3);

    /// <summary>
    /// The interval of probes: messages published to this node itself, which must return through the connection that has the
    /// subscriptions; default 2 s. Detects links that were lost without notice.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than a millisecond, or more than a day.</exception>
    public TimeSpan ProbeInterval { get; set => field = Timeout(value); } = TimeSpan.FromSeconds(2);

    /// <summary>The timeout of a probe, after which the link counts as down; default 2 s.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than a millisecond, or more than a day.</exception>
    public TimeSpan ProbeTimeout { get; set => field = Timeout(value); } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// The most requests in flight, above which more are refused immediately; default 10,000, which at 100,000 publishes per
    /// second is a tenth of a second.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxPending { get; set => field = OptionRange.Number(value, 1, int.MaxValue); } = 10_000;

    /// <summary>
    /// How long a room's epoch and last offset outlive its last use; default 1 day, and at least twice the room's history.
    /// A client that was disconnected longer from a room without activity is notified of a loss. Zero: indefinitely.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than 3,650 days.</exception>
    public TimeSpan MetaTtl { get; set => field = OptionRange.Duration(value, TimeSpan.Zero, OptionRange.LongestKept); }
        = TimeSpan.FromDays(1);

    /// <summary>Validates all options, and that the configuration can be parsed.</summary>
    /// <exception cref="ArgumentException">An option is wrong; the message does not repeat the configuration.</exception>
    public void Validate() => Parse();

    internal ConfigurationOptions Parse()
    {
        ArgumentNullException.ThrowIfNull(KeyPrefix);
        if (KeyPrefix.AsSpan().ContainsAny('{', '}'))
        {
            throw new ArgumentException("The key prefix must not contain braces.", nameof(KeyPrefix));
        }

        return ConnectionString.Parse(Configuration);
    }

    private static TimeSpan Timeout(TimeSpan value, [CallerMemberName] string option = "")
        => OptionRange.Duration(value, TimeSpan.FromMilliseconds(1), TimeSpan.FromDays(1), option);
}
