namespace Weir.Relay;

/// <summary>Which rule holds for which room: the first whose pattern matches the name. Immutable.</summary>
public sealed class RoomRules
{
    private readonly RoomRule[] _rules;

    /// <summary>Takes the rules in the order in which they are tried.</summary>
    /// <exception cref="ArgumentException">A pattern is empty.</exception>
    public RoomRules(params IEnumerable<RoomRule> rules)
    {
        ArgumentNullException.ThrowIfNull(rules);
        _rules = [.. rules];
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

    /// <summary>The rule of a room; <see cref="RoomRule.Default"/> when no pattern matches.</summary>
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

    /// <summary>Whether any rule lets fewer publish than listen.</summary>
    internal bool RestrictPublishing => _rules.Any(static rule => rule.Publish != RoomPublishing.Members);

    /// <summary>Whether a name matches a glob, as in <see cref="RoomRule.Pattern"/>.</summary>
    // Goes back to the last star only: what an earlier one took can stay as it is, so the time is at most pattern x name.
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
}
