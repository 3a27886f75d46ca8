using System.Globalization;

namespace Weir.Redis;

/// <summary>What the names of keys and of channels begin with.</summary>
/// <param name="Keys">As configured; keys of several databases do not meet.</param>
/// <param name="Channels">
/// With the number of the database, unless it is 0: Redis knows no databases for channels, and systems in two of them would
/// be given each other's announcements. In braces, which no configured prefix has.
/// </param>
internal sealed record NamePrefixes(string Keys, string Channels)
{
    public static NamePrefixes Of(string prefix, int database)
        => new(prefix, database == 0 ? prefix : string.Create(CultureInfo.InvariantCulture, $"{prefix}{{database:{database}}}"));
}
