using System.Text;
using StackExchange.Redis;

namespace Weir.Brokers.Redis;

/// <summary>
/// The names of one room's keys and channel in Redis. All contain <c>{room:&lt;name&gt;}</c>: a Redis Cluster hashes only the
/// text between the first pair of braces, so that they lie in one slot for any name.
/// </summary>
internal sealed class RoomKeys
{
    public RoomKeys(NamePrefixes prefixes, string room, bool isSharded)
    {
        string common = NameOf(prefixes.Keys, room);
        Meta = Encoding.UTF8.GetBytes(common + ":meta");
        Stream = Encoding.UTF8.GetBytes(common + ":stream");
        Present = Encoding.UTF8.GetBytes(common + ":present");
        Members = Encoding.UTF8.GetBytes(common + ":members");
        byte[] channel = Encoding.UTF8.GetBytes(NameOf(prefixes.Channels, room));
        Channel = channel;
        PubSubChannel = isSharded ? RedisChannel.Sharded(channel) : RedisChannel.Literal(channel);
        HistoryKeys = [Meta, Stream];
        PresenceKeys = [Present, Members];
    }

    public RedisKey Meta { get; }

    public RedisKey Stream { get; }

    public RedisKey Present { get; }

    public RedisKey Members { get; }

    /// <summary>The room's channel, as an argument of a script.</summary>
    public RedisValue Channel { get; }

    /// <summary>The room's channel, to publish on without a script.</summary>
    public RedisChannel PubSubChannel { get; }

    public RedisKey[] HistoryKeys { get; }

    public RedisKey[] PresenceKeys { get; }

    /// <summary>A room's channel, or the beginning of its keys, after the prefix of either.</summary>
    public static string NameOf(string prefix, string room) => $"{prefix}{{room:{room}}}";
}
