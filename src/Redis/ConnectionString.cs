using StackExchange.Redis;

namespace Weir.Redis;

/// <summary>
/// Reads <see cref="RedisOptions.Configuration"/>, and refuses what Weir cannot honour: its links for announcements are
/// connections of its own (<see cref="Links.SubscriberLink"/>), and its scripts name channels that the library never sees.
/// </summary>
internal static class ConnectionString
{
    // Those that the broker sets itself, by what they would be set with instead.
    private static readonly Dictionary<string, string> _setHere = new(StringComparer.OrdinalIgnoreCase)
    {
        ["connectTimeout"] = "ConnectTimeout sets it, for all connections",
        ["asyncTimeout"] = "RequestTimeout sets it",
        ["syncTimeout"] = "RequestTimeout is for all requests",
        ["responseTimeout"] = "RequestTimeout is for all requests",
        ["connectRetry"] = "connecting is tried again for as long as it takes",
    };

    /// <exception cref="ArgumentException">It cannot be read, or has an option that cannot be honoured; the message does not repeat values.</exception>
    public static ConfigurationOptions Parse(string text)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(text);
        ConfigurationOptions configuration = ConfigurationOptions.Parse(text);
        if (configuration.EndPoints.Count == 0)
        {
            throw Refuse("The configuration names no server.");
        }

        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            int end = part.IndexOf('=', StringComparison.Ordinal);
            string name = end < 0 ? "" : part[..end].TrimEnd();
            if (_setHere.TryGetValue(name, out string? instead))
            {
                throw Refuse($"The configuration has {name}, which is not taken there: {instead}.");
            }

            if (name.StartsWith('$'))
            {
                throw Refuse($"The configuration has {name}, which cannot be honoured: scripts and links for announcements use Redis's own names of commands.");
            }
        }

        return ComplaintAbout(configuration) is { } complaint ? throw Refuse(complaint) : configuration;
    }

    private static string? ComplaintAbout(ConfigurationOptions configuration) => configuration switch
    {
        { ChannelPrefix.IsNullOrEmpty: false } =>
            "The configuration has channelPrefix, which would hold for channels and not for keys: set KeyPrefix, which is before both.",
        { Proxy: not StackExchange.Redis.Proxy.None } => "The configuration has proxy, which cannot be honoured: a proxy passes no subscriptions and scripts on together.",
        { Tunnel: not null } => "The configuration has tunnel, which cannot be honoured by the links for announcements.",
        { Protocol: RedisProtocol.Resp2 } => "The configuration has protocol=resp2, which cannot be honoured: the links for announcements need RESP3.",
        { HighIntegrity: true } => "The configuration has highIntegrity, which cannot be honoured by the links for announcements.",
        { DefaultDatabase: < 0 } => "The configuration has a negative defaultDatabase.",
        _ => null,
    };

    private static ArgumentException Refuse(string why) => new(why);
}
