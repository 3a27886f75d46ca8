using System.Net;
using StackExchange.Redis;

namespace Weir.Brokers.Redis.Links;

/// <summary>Which server delivers the channels of each slot, at one moment. Immutable.</summary>
internal sealed class LinkMap
{
    public const int Slots = 16384;

    private readonly EndPoint?[]? _ownerOf;
    private readonly EndPoint? _only;

    private LinkMap(EndPoint? only, EndPoint?[]? ownerOf, IReadOnlyList<EndPoint> servers)
    {
        _only = only;
        _ownerOf = ownerOf;
        Servers = servers;
        Uncovered = ownerOf?.Count(static owner => owner is null) ?? 0;
    }

    public IReadOnlyList<EndPoint> Servers { get; }

    /// <summary>The number of slots without a master.</summary>
    public int Uncovered { get; }

    /// <summary>Before the first reading: no server is known.</summary>
    public static LinkMap OfNone { get; } = new(null, null, []);

    /// <summary>One server has all slots.</summary>
    public static LinkMap OfServer(EndPoint server) => new(server, null, [server]);

    /// <summary>Each master has its slots.</summary>
    public static LinkMap OfCluster(ClusterConfiguration cluster)
    {
        EndPoint?[] ownerOf = new EndPoint?[Slots];
        List<EndPoint> servers = [];
        foreach (ClusterNode node in cluster.Nodes)
        {
            if (node.IsReplica || node.Slots.Count == 0 || node.EndPoint is null)
            {
                continue;
            }

            servers.Add(node.EndPoint);
            foreach (SlotRange range in node.Slots)
            {
                Array.Fill(ownerOf, node.EndPoint, range.From, range.To - range.From + 1);
            }
        }

        return new LinkMap(null, ownerOf, servers);
    }

    /// <summary>The server of a slot; <c>null</c> if no server has it.</summary>
    public EndPoint? OwnerOf(int slot) => _ownerOf is null ? _only : _ownerOf[slot];
}
