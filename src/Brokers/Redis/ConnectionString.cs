using StackExchange.Redis;

namespace Weir.Brokers.Redis;

/// <summary>
/// Parses <see cref="RedisOptions.Configuration"/>, and rejects options that cannot be honoured: the links for announcements
/// are Weir's own connections (<see cref="Links.SubscriberLink"/>), and its scripts name channels that the library never sees.
/// </summary>
internal static class ConnectionString
{
    // Options that the broker sets itself, each with the property that sets it.
    private static readonly Dictionary<string, string> _setHere = new(StringComparer.OrdinalIgnoreCase)
    {
        ["connectTimeout"] = "ConnectTimeout sets it, for all connections",
        ["asyncTimeout"] = "RequestTimeout sets it",
        ["syncTimeout"] = "RequestTimeout is for all requests",
        ["responseTimeout"] = "RequestTimeout is for all requests",
        ["connectRetry"] = "connection attempts are repeated for as long as it takes",
    };

    /// <exception cref="ArgumentException">
    /// It cannot be parsed, or has an option that cannot be honoured; the message does not repeat values.
    /// </exception>
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
                throw Refuse($"The configuration has {name}, which is not accepted there: {instead}.");
            }

            if (name.StartsWith('$'))
            {
                throw Refuse(
                    $"The configuration has {name}, which cannot be honoured: "
                    + "scripts and links for announcements use Redis's own command names.");
            }
        }

        return RefusalOf(configuration) is { } refusal ? throw Refuse(refusal) : configuration;
    }

    private static string? RefusalOf(ConfigurationOptions configuration) => configuration switch
    {
        { ChannelPrefix.IsNullOrEmpty: false } =>
            "The configuration has channelPrefix, which would apply to channels and not to keys: set KeyPrefix, which applies to both.",
        { Proxy: not StackExchange.Redis.Proxy.None } =>
            "The configuration has proxy, which cannot be honoured: a proxy does not forward both subscriptions and scripts.",
        { Tunnel: not null } => "The configuration has tunnel, which cannot be honoured by the links for announcements.",
        { Protocol: RedisProtocol.Resp2 } =>
            "The configuration has protocol=resp2, which cannot be honoured: the links for announcements need RESP3.",
        { HighIntegrity: true } => "The configuration has highIntegrity, which cannot be honoured by the links for announcements.",
        { DefaultDatabase: < 0 } => "The configuration has a negative defaultDatabase.",
        _ => null,
    };

    private static ArgumentException Refuse(string why) => new(why);
}
