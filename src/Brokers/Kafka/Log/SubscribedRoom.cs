namespace Weir.Brokers.Kafka.Log;

/// <summary>A room with a subscription.</summary>
/// <param name="name">Its name.</param>
/// <param name="from">See <see cref="From"/>.</param>
internal sealed class SubscribedRoom(string name, long from)
{
    private long _from = from;

    public string Name => name;

    /// <summary>
    /// The first offset of the room's partition that is announced: what this node had published before it subscribed, and has not read yet,
    /// is not.
    /// </summary>
    public long From
    {
        get => Volatile.Read(ref _from);
        set => Volatile.Write(ref _from, value);
    }
}
