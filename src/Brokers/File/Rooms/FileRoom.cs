using Weir.Relay.Brokers;

namespace Weir.Brokers.File.Rooms;

/// <summary>A room: its log in memory, and where it stands on the disk.</summary>
/// <remarks>
/// The epoch of a room is its seed, then the generation of the store. Each start of the broker begins a generation, so that offsets which a
/// store has lost (a loss of power, a restored copy of the folder) are never assigned again under the same epoch. For clients that
/// return, <see cref="Past"/> has the earlier epochs with the last offset that each has in common with the current one.
/// </remarks>
internal sealed class FileRoom(string name, long id, string seed, string generation, long offset, long[] pastOffsets)
{
    public string Name => name;

    /// <summary>The number of the room in records; never used again for another room.</summary>
    public long Id => id;

    public string Seed => seed;

    public RoomLog Log { get; } = new(seed + generation, offset);

    /// <summary>The last offset in each of the store's past generations that the room was there for; the newest last.</summary>
    public long[] PastOffsets => pastOffsets;

    /// <summary>The place of the last record that is applied to <see cref="Log"/>; guarded by its gate.</summary>
    public RecordPlace Applied { get; set; }

    /// <summary>The offset after the records that are being written; the writer's own.</summary>
    public long WrittenOffset { get; set; } = offset;

    /// <summary>Whether the log or the snapshot has the room; set by the writer.</summary>
    public bool IsLogged { get => Volatile.Read(ref field); set => Volatile.Write(ref field, value); }

    /// <summary>Gets the earlier epochs.</summary>
    /// <param name="pastGenerations">The store's, the newest last.</param>
    public IReadOnlyList<StreamPosition> Past(IReadOnlyList<string> pastGenerations)
    {
        int first = pastGenerations.Count - pastOffsets.Length;
        return pastOffsets.Length == 0 ? []
            : [.. pastOffsets.Select((offset, i) => new StreamPosition(seed + pastGenerations[first + i], offset)).Reverse()];
    }
}
