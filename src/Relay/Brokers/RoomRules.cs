using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Weir.Relay.Brokers;

/// <summary>The rules of rooms: a room has the first rule whose pattern matches its name. Immutable.</summary>
public sealed class RoomRules
{
    private readonly RoomRule[] _rules;
    private readonly Lazy<string> _digest;

    /// <summary>Creates the rules in the order in which they are tried.</summary>
    /// <exception cref="ArgumentException">A pattern is empty.</exception>
    public RoomRules(params IEnumerable<RoomRule> rules)
    {
        ArgumentNullException.ThrowIfNull(rules);
        _rules = [.. rules];
        _digest = new Lazy<string>(MakeDigest);
        foreach (RoomRule rule in _rules)
        {
            if (rule.Pattern.Length == 0)
            {
                throw new ArgumentException("A rule has no Pattern.", nameof(rules));
            }
        }
    }

    /// <summary>The rules, in the order in which they are tried.</summary>
    public IReadOnlyList<RoomRule> All => _rules;

    /// <summary>Returns the rule of a room; <see cref="RoomRule.Default"/> if no pattern matches.</summary>
    public RoomRule Of(string room)
    {
        ArgumentNullException.ThrowIfNull(room);
        foreach (RoomRule rule in _rules)
        {
            if (Matches(rule.Pattern, room))
            {
                return rule;
            }
        }

        return RoomRule.Default;
    }

    /// <summary>Equal for rules with equal settings in equal order.</summary>
    internal string Digest => _digest.Value;

    /// <summary>Whether any rule permits publishing to fewer clients than subscribing.</summary>
    internal bool RestrictPublishing => _rules.Any(static rule => rule.Publish != RoomPublishing.Members);

    /// <summary>Whether a name matches a glob, as in <see cref="RoomRule.Pattern"/>.</summary>
    // Backtracks to the last star only: the match of an earlier one can stay as it is, so the time is at most pattern x name.
    public static bool Matches(ReadOnlySpan<char> pattern, ReadOnlySpan<char> name)
    {
        int at = 0;
        int star = -1;
        int resume = 0;
        int i = 0;
        while (i < name.Length)
        {
            if (at < pattern.Length && pattern[at] == '*')
            {
                star = at++;
                resume = i;
            }
            else if (at < pattern.Length && (pattern[at] == '?' || pattern[at] == name[i]))
            {
                at++;
                i++;
            }
            else if (star >= 0)
            {
                at = star + 1;
                i = ++resume;
            }
            else
            {
                return false;
            }
        }

        return pattern[at..].TrimStart('*').IsEmpty;
    }

    private string MakeDigest()
    {
        string text = string.Join('\n', _rules.Select(static r => string.Create(
            CultureInfo.InvariantCulture,
            $"{r.Pattern}\0{r.HistorySize}\0{r.HistoryTtl.Ticks}\0{r.Durable}\0{r.Presence}\0{r.Access}\0{r.Publish}\0{r.Broker}")));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 8));
    }
}
