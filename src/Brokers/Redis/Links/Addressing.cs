using System.Globalization;
using System.Net;

namespace Weir.Brokers.Redis.Links;

/// <summary>The server of each channel, as of one reading of Redis's configuration.</summary>
/// <param name="slotOf">The hash slot of a channel.</param>
/// <param name="isSharded">Whether Redis is a Cluster, whose channels have slots.</param>
/// <param name="prefix">The prefix of channels.</param>
/// <param name="nodeId">This node.</param>
/// <param name="map">The masters and their slots.</param>
internal sealed class Addressing(Func<string, int> slotOf, bool isSharded, string prefix, string nodeId, LinkMap map)
{
    public bool IsSharded => isSharded;

    public LinkMap Map => map;

    /// <summary>The server that delivers a channel; <c>null</c> if no server has its slot.</summary>
    public EndPoint? OwnerOf(string channel) => map.OwnerOf(slotOf(channel));

    /// <summary>A channel of this node alone, in a slot of the server.</summary>
    public string ProbeChannelAt(EndPoint server)
    {
        for (int number = 0; ; number++)
        {
            string channel = string.Create(CultureInfo.InvariantCulture, $"{prefix}{{probe:{number}}}:{nodeId}");
            // Some of the first few hundred are in the slots of each master; for one with few slots it takes longer.
            if (OwnerOf(channel) is { } owner && owner.Equals(server))
            {
                return channel;
            }
        }
    }
}
