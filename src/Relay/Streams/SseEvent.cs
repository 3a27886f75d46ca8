using Weir.Relay.Brokers;

namespace Weir.Relay.Streams;

/// <summary>One entry to be written to a stream.</summary>
/// <param name="Room">The index of its room in the request; negative: of no room, written as it is.</param>
/// <param name="Body">
/// All but the id, shared by all streams; <c>null</c>: encoded from <paramref name="Missed"/> when it is written.
/// </param>
/// <param name="Id">The id for streams of one room, shared likewise; <c>null</c> if it has none.</param>
/// <param name="Position">The room's position after it; an offset of 0 does not change the one before, unless it is a loss.</param>
/// <param name="Missed">A publication from the history.</param>
/// <param name="IsLoss">It notifies that publications are lost: the room continues at its position.</param>
internal readonly record struct SseEvent(
    int Room, byte[]? Body, byte[]? Id, StreamPosition Position, Publication? Missed = null, bool IsLoss = false)
{
    /// <summary>A loss of publications of a room.</summary>
    public static SseEvent Loss(int room, byte[] body, StreamPosition now)
        => new(room, body, now.Epoch.Length > 0 ? SseFormat.Id(now) : null, now, IsLoss: true);

    /// <summary>Whether it changes the room's position.</summary>
    public bool Moves => IsLoss || Position.Offset > 0;

    /// <summary>
    /// The bytes that count as waiting: missed publications do not, since the broker's history holds them for the client.
    /// </summary>
    public int Cost => Room < 0 ? 0 : (Body?.Length ?? 0) + (Id?.Length ?? 0);
}
