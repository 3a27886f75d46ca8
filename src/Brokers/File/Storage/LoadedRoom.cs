using Weir.Brokers.File.Rooms;
using Weir.Relay.Brokers;

namespace Weir.Brokers.File.Storage;

/// <summary>A room while the files are read: <see cref="Log"/> is under the epoch of the generation that is over.</summary>
internal sealed class LoadedRoom(long id, string name, string seed, long offset, long[] pastOffsets)
{
    public long Id => id;

    public string Name => name;

    public RoomLog Log { get; } = new("", offset);

    /// <summary>The last record that <see cref="Log"/> has.</summary>
    public RecordPlace Applied { get; set; }

    /// <summary>Returns the room in the new generation.</summary>
    public FileRoom In(Generations generations, long now)
    {
        long[] past = [.. pastOffsets.Append(Log.Top.Offset).TakeLast(generations.Past.Count)];
        FileRoom room = new(name, id, seed, generations.Current, Log.Top.Offset, past) { IsLogged = true };
        room.Log.LastUsed = now;
        Log.ClearHistoryIfExpired(now);
        foreach (Publication publication in Log.History)
        {
            room.Log.Store(publication, int.MaxValue, Log.HistoryUntil, out _);
        }

        return room;
    }
}
