using System.Runtime.CompilerServices;
using StackExchange.Redis;

namespace Weir.Redis;

/// <summary>How a node reaches Redis, and what it keeps there. Read once, when the broker is made.</summary>
public sealed class RedisOptions
{
    /// <summary>
    /// Where Redis is, as StackExchange.Redis reads it; default <c>localhost:6379</c>. Several addresses of a Redis Cluster,
    /// or of Sentinels with <c>serviceName=</c>, separated by commas; <c>user=</c>, <c>password=</c>, <c>ssl=true</c> and so on
    /// after them. Redis 7 or newer.
    /// </summary>
    /// <remarks>
    /// <c>defaultDatabase=</c> keeps systems apart too: its number is in the names of channels, which Redis does not keep per
    /// database. A Cluster has none but 0. Refused, because Weir's own connections or scripts could not honour them:
    /// <c>channelPrefix</c> (see <see cref="KeyPrefix"/>), <c>proxy</c>, <c>tunnel</c>, <c>protocol=resp2</c>,
    /// <c>highIntegrity</c>, other names of commands (<c>$</c>), and what is set by a property here: <c>connectTimeout</c>,
    /// <c>asyncTimeout</c>, <c>syncTimeout</c>, <c>responseTimeout</c>, <c>connectRetry</c>.
    /// </remarks>
    public string Configuration { get; set; } = "localhost:6379";

    /// <summary>
    /// Before every key and channel, so that systems can share a Redis; default <c>weir:</c>. All nodes of a system have the
    /// same. Braces are not allowed in it: they would decide in which slot of a Redis Cluster a room lies.
    /// </summary>
    public string KeyPrefix { get; set; } = "weir:";

    /// <summary>
    /// How long a request may go unanswered before it fails (with <c>IsUnknown</c>, as it may have been done); default 2 s.
    /// Counted in eighths, and only while the process runs: a pause counts for one of them.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than a millisecond, or more than a day.</exception>
    public TimeSpan RequestTimeout { get; set => field = Timeout(value); } = TimeSpan.FromSeconds(2);

    /// <summary>How long making a connection may take; default 3 s.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than a millisecond, or more than a day.</exception>
    public TimeSpan ConnectTimeout { get; set => field = Timeout(value); } = TimeSpan.FromSeconds(3);

    /// <summary>
    /// How often the whole way is tried: a message published to this node itself, which must come back through the connection
    /// that has the subscriptions; default 2 s. Finds links that were cut without a word.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than a millisecond, or more than a day.</exception>
    public TimeSpan ProbeInterval { get; set => field = Timeout(value); } = TimeSpan.FromSeconds(2);

    /// <summary>How long such a message may be on its way before the link counts as down; default 2 s.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than a millisecond, or more than a day.</exception>
    public TimeSpan ProbeTimeout { get; set => field = Timeout(value); } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// The most requests without an answer, above which more are refused at once; default 10,000, which at 100,000 publishes
    /// per second is a tenth of a second.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxPending { get; set => field = OptionRange.Number(value, 1, int.MaxValue); } = 10_000;

    /// <summary>
    /// How long a room's epoch and last offset outlive its last use; default 1 day, and at least twice the room's history.
    /// Whoever was away longer, in a room where nothing happened, is told to start afresh. Zero: for ever.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than 3,650 days.</exception>
    public TimeSpan MetaTtl { get; set => field = OptionRange.Duration(value, TimeSpan.Zero, OptionRange.LongestKept); } = TimeSpan.FromDays(1);

    /// <summary>Checks all of it, and that the configuration can be read.</summary>
    /// <exception cref="ArgumentException">Something is wrong; the message does not repeat the configuration.</exception>
    public void Validate() => Parse();

    internal ConfigurationOptions Parse()
    {
        ArgumentNullException.ThrowIfNull(KeyPrefix);
        if (KeyPrefix.AsSpan().ContainsAny('{', '}'))
        {
            throw new ArgumentException("The key prefix must not have braces.", nameof(KeyPrefix));
        }

        return ConnectionString.Parse(Configuration);
    }

    private static TimeSpan Timeout(TimeSpan value, [CallerMemberName] string option = "")
        => OptionRange.Duration(value, TimeSpan.FromMilliseconds(1), TimeSpan.FromDays(1), option);
}
