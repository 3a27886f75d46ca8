using Microsoft.Extensions.Logging;
using Weir.Relay.Brokers;
using Weir.Relay.Diagnostics;
using Weir.Rooms;

namespace Weir.Relay.Rooms;

/// <summary>What the rooms of a node use of it. Thread-safe.</summary>
internal interface IRoomNode
{
    string NodeId { get; }

    IBroker Broker { get; }

    RoomDirectory Members { get; }

    RelaySettings Settings { get; }

    ILogger Logger { get; }

    RelayMetrics Metrics { get; }

    /// <summary>Messages to several rooms, of which a connection in more than one of them is sent one copy.</summary>
    RecentCopies Copies { get; }

    /// <summary>The newest number of a publication of this node.</summary>
    long LastSequence { get; }

    ValueTask<RoomHistory> ReadHistoryAsync(LocalRoom room, HistoryQuery query);

    /// <summary>Records that members were delivered publications without an offset: the node skips one.</summary>
    void OweLoss(LocalRoom room);

    /// <summary>Adds the room to the node's periodic maintenance.</summary>
    void Maintain(LocalRoom room);

    /// <summary>The room has no members and no broker subscription: removes it.</summary>
    void Forget(LocalRoom room);
}
