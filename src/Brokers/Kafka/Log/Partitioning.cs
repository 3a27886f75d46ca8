using System.Text;

namespace Weir.Brokers.Kafka.Log;

/// <summary>The partition of a room, which decides the order of its records: the same on every node and after every start.</summary>
internal static class Partitioning
{
    /// <param name="key">The room's name in UTF-8, or the id of a node for records between nodes.</param>
    /// <param name="partitions">The number of partitions of the topic.</param>
    public static int Of(ReadOnlySpan<byte> key, int partitions)
    {
        // FNV-1a: rooms are many and short, and a hash that is randomized by the process would differ between nodes.
        uint hash = 2166136261;
        foreach (byte next in key)
        {
            hash = (hash ^ next) * 16777619;
        }

        // The low bits alone depend on little of a short name.
        return (int)((hash ^ (hash >> 15)) % (uint)partitions);
    }

    public static int Of(string key, int partitions) => Of(Encoding.UTF8.GetBytes(key), partitions);
}
