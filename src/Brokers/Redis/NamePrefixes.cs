using System.Globalization;

namespace Weir.Brokers.Redis;

/// <summary>The prefixes of the names of keys and of channels.</summary>
/// <param name="Keys">As configured; keys of several databases do not meet.</param>
/// <param name="Channels">
/// With the number of the database, unless it is 0: Redis's channels are not separated by database, and systems in two of them
/// would receive each other's announcements. In braces, which no configured prefix has.
/// </param>
internal sealed record NamePrefixes(string Keys, string Channels)
{
    public static NamePrefixes Of(string prefix, int database)
        => new(prefix, database == 0 ? prefix : string.Create(CultureInfo.InvariantCulture, $"{prefix}{{database:{database}}}"));
}
