using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace Weir.Brokers.Nats.Subjects;

/// <summary>The subjects and streams of one system. A room's name becomes one token.</summary>
/// <remarks>
/// NATS accepts <c>*</c> and <c>&gt;</c> as names and reads them as wildcards, splits at dots, refuses spaces, loses messages of empty
/// tokens, and closes the connection if a name is too long. So a token has ASCII letters, digits and <c>- _ : / @ ~ $</c>; each other byte
/// of the name's UTF-8 is <c>=XX</c>; a token that would be longer than <see cref="MaxTokenLength"/> is <c>==</c> and a hash.
/// </remarks>
internal sealed class Names
{
    /// <summary>A fraction of the 4,096 bytes that a server permits for a line with subject, reply subject and sizes.</summary>
    public const int MaxTokenLength = 512;

    private readonly string _prefix;
    private readonly string _rooms;
    private readonly string _presence;
    private readonly int _shards;

    public Names(string prefix, int shards, string node)
    {
        _prefix = prefix;
        _shards = shards;
        string token = TokenOf(node);
        _rooms = prefix + ".room.";
        _presence = prefix + ".presence.";
        AllNodes = prefix + ".control";
        Own = $"{prefix}.control.{token}";
        Replies = $"{prefix}.reply.{token}.";
        Probe = $"{prefix}.probe.{token}";
        ProbeAnnouncement = $"{prefix}.probed.{token}";
        Line = prefix + ".line";
        LogStreams = [.. Enumerable.Range(0, shards).Select(shard => $"{prefix}-log-{shard}-of-{shards}")];
    }

    public static SearchValues<char> PrefixCharacters { get; }
        = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    private static SearchValues<byte> TokenBytes { get; }
        = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_:/@~$"u8);

    /// <summary>Control messages for all nodes.</summary>
    public string AllNodes { get; }

    /// <summary>Control messages for this node.</summary>
    public string Own { get; }

    /// <summary>The beginning of the subjects of replies to this node's requests.</summary>
    public string Replies { get; }

    /// <summary>Where this node's probes are stored.</summary>
    public string Probe { get; }

    /// <summary>Where the server announces a stored probe.</summary>
    public string ProbeAnnouncement { get; }

    public string Line { get; }

    public IReadOnlyList<string> LogStreams { get; }

    public string LineStream => _prefix + "-line";

    public string PresenceStream => _prefix + "-presence";

    public string ProbeStream => _prefix + "-probe";

    public string ProbePattern => _prefix + ".probe.>";

    public string ProbeAnnouncementPattern => _prefix + ".probed.>";

    public string EverySubject => _prefix + ".>";

    public string PresencePattern => _presence + ">";

    public string RoomPattern => _rooms + ">";

    public string LogPattern(int shard) => $"{_prefix}.log.{shard}.>";

    /// <summary>The subject on which a room's publications, joins and leaves are announced.</summary>
    public string RoomOf(string token) => _rooms + token;

    public string ControlOf(string node) => $"{AllNodes}.{TokenOf(node)}";

    public string PresenceOf(string token, int bucket) => $"{_presence}{token}.{bucket}";

    public string LogOf(string token, int shard) => $"{_prefix}.log.{shard}.{token}";

    /// <summary>The same on all nodes, for ever.</summary>
    public int ShardOf(string token) => (int)(HashOf(token) % (uint)_shards);

    public static int BucketOf(string client, int buckets) => (int)(HashOf(client) % (uint)buckets);

    public static string TokenOf(string name)
    {
        ReadOnlySpan<byte> bytes = Encoding.UTF8.GetBytes(name);
        if (bytes.IsEmpty)
        {
            return "=";
        }

        if (bytes.Length <= MaxTokenLength && !bytes.ContainsAnyExcept(TokenBytes))
        {
            return name;
        }

        StringBuilder token = new(bytes.Length + 16);
        foreach (byte next in bytes)
        {
            if (TokenBytes.Contains(next))
            {
                token.Append((char)next);
            }
            else
            {
                token.Append('=').Append(Convert.ToHexString([next]));
            }
        }

        return token.Length <= MaxTokenLength ? token.ToString() : "==" + Convert.ToHexStringLower(SHA256.HashData(bytes));
    }

    // FNV-1a: the same in every process and version, unlike string.GetHashCode.
    private static uint HashOf(string text)
    {
        uint hash = 2166136261;
        foreach (char next in text)
        {
            hash = (hash ^ next) * 16777619;
        }

        return hash ^ (hash >> 15);
    }
}
