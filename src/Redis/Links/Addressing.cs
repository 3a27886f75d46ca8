using System.Globalization;
using System.Net;

namespace Weir.Redis.Links;

/// <summary>Where channels lie, as of one look at Redis.</summary>
internal sealed class Addressing(Session session, string prefix, string nodeId, LinkMap map)
{
    public bool IsSharded => session.IsCluster;

    public LinkMap Map => map;

    /// <summary>The server at which a channel is heard; null where nobody has its slot.</summary>
    public EndPoint? OwnerOf(string channel) => map.OwnerOf(session.SlotOf(channel));

    /// <summary>A channel that lies at a server, and is this node's own.</summary>
    public string ProbeChannelAt(EndPoint server)
    {
        for (int number = 0; ; number++)
        {
            string channel = string.Create(CultureInfo.InvariantCulture, $"{prefix}{{probe:{number}}}:{nodeId}");
            // Some of the first few hundred lie at each master; one with so few slots that it takes longer is still found.
            if (OwnerOf(channel) is { } owner && owner.Equals(server))
            {
                return channel;
            }
        }
    }
}
