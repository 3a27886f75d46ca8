using Weir.Brokers.Nats.Connection;
using Weir.Brokers.Nats.Writing;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Nats.Logs;

/// <summary>A change of a room's sequence.</summary>
/// <param name="result">Completed with the position behind it.</param>
/// <param name="kind">The change.</param>
/// <param name="rule">The room's rule; <c>null</c> for <see cref="LogOperationKind.Remove"/>.</param>
/// <param name="body">The publication; empty for the other kinds.</param>
/// <param name="isAfterLoss">Whether an offset is skipped before it.</param>
internal sealed class LogOperation(
    PendingReply<StreamPosition> result, LogOperationKind kind, RoomRule? rule = null, byte[]? body = null, bool isAfterLoss = false)
    : WriteOperation<StreamPosition>(result)
{
    public LogOperationKind Kind => kind;

    public RoomRule? Rule => rule;

    public byte[] Body => body ?? [];

    public bool IsAfterLoss => isAfterLoss;

    /// <summary>The last offset behind it, in the message that was built last.</summary>
    public long Offset { get; set; }
}

/// <summary>What a <see cref="LogOperation"/> does.</summary>
internal enum LogOperationKind
{
    /// <summary>Assigns the next offset to a publication.</summary>
    Publish,

    /// <summary>Skips an offset.</summary>
    Skip,

    /// <summary>Removes the publications.</summary>
    Remove,

    /// <summary>Begins the epoch if there is none for the current line, and prolongs its life.</summary>
    Open,
}
