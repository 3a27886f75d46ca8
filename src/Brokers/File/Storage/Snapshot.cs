using Weir.Brokers.File.Records;
using Weir.Brokers.File.Rooms;
using Weir.Relay.Brokers;

namespace Weir.Brokers.File.Storage;

/// <summary>
/// Writes a snapshot while rooms go on: each room is copied at a moment of its own, with the place of the last record it has.
/// </summary>
internal static class Snapshot
{
    public const int Version = 1;

    private const int BatchBytes = 1 << 20;

    /// <summary>Writes and synchronizes it; it counts once <see cref="StoreFolder.Publish"/> has been called.</summary>
    /// <returns>Its bytes.</returns>
    public static long Write(IAppendFile file, long number, Generations generations, long nextRoomId, IEnumerable<FileRoom> rooms)
    {
        RecordBuffer records = new();
        long count = 0;
        void End()
        {
            records.End(number, count++);
            if (records.Length >= BatchBytes)
            {
                file.Append(records.Bytes);
                records.Clear();
            }
        }

        records.Begin(RecordKind.SnapshotHeader);
        records.Write(Version);
        records.Write(nextRoomId);
        records.Write(generations.Current);
        records.Write(generations.Past.Count);
        foreach (string past in generations.Past)
        {
            records.Write(past);
        }

        End();
        foreach (FileRoom room in rooms)
        {
            if (!room.IsLogged)
            {
                continue; // presence only, or its record is yet to come
            }

            Publication[] history;
            lock (room.Log.Gate)
            {
                history = [.. room.Log.History];
                WriteRoom(records, room, history.Length);
            }

            End();
            foreach (Publication publication in history)
            {
                records.Begin(RecordKind.Publish);
                PublicationFields.Write(records, publication, publication.Offset);
                End();
            }
        }

        records.Begin(RecordKind.SnapshotEnd);
        records.End(number, count);
        file.Append(records.Bytes);
        file.Sync();
        return file.Length;
    }

    private static void WriteRoom(RecordBuffer records, FileRoom room, int publications)
    {
        records.Begin(RecordKind.Room);
        records.Write(room.Id);
        records.Write(room.Name);
        records.Write(room.Seed);
        records.Write(room.Applied.File);
        records.Write(room.Applied.Record);
        records.Write(room.Log.Top.Offset);
        records.Write(room.Log.HistoryUntil);
        records.Write(room.PastOffsets.Length);
        foreach (long offset in room.PastOffsets)
        {
            records.Write(offset);
        }

        records.Write(publications);
    }
}
