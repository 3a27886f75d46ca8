using Weir.Brokers.File.Records;
using Weir.Brokers.File.Rooms;

namespace Weir.Brokers.File.Storage;

/// <summary>
/// Reads a store: the newest snapshot, and the logs from its number on, up to the first record that is not whole. What follows that record
/// is lost; positions behind it are unknown in the next generation, so that clients with such a position are notified.
/// </summary>
internal sealed class StoreLoader(StoreFolder folder)
{
    private readonly Dictionary<long, LoadedRoom> _byId = [];
    private readonly Dictionary<string, LoadedRoom> _byName = new(StringComparer.Ordinal);
    private Generations? _generations;

    public IEnumerable<LoadedRoom> Rooms => _byId.Values;

    /// <summary>The generation that wrote the store; <c>null</c>: it is empty.</summary>
    public Generations? Generations => _generations;

    public long NextRoomId { get; private set; } = 1;

    /// <summary>The highest number of a file.</summary>
    public long LastNumber { get; private set; }

    /// <summary>What could not be read, for the log; <c>null</c>: all could.</summary>
    public string? Damage { get; private set; }

    /// <exception cref="IOException">A file cannot be read, or has no format that this version reads.</exception>
    public void Load()
    {
        IReadOnlyList<long> snapshots = folder.Snapshots(), logs = folder.Logs();
        LastNumber = snapshots.Concat(logs).DefaultIfEmpty(0).Max();
        if (snapshots.Count == 0)
        {
            return; // a first start that did not complete: nothing was confirmed before its snapshot
        }

        long number = snapshots[^1];
        LoadSnapshot(number);
        long before = -1;
        foreach (long log in logs.Where(log => log >= number))
        {
            if (!TryLoadLog(log, ref before))
            {
                break;
            }
        }
    }

    private void LoadSnapshot(long number)
    {
        string path = folder.SnapshotOf(number);
        using RecordReader reader = new(path, number);
        if (!reader.TryRead(out ReadOnlySpan<byte> body) || !TryReadHeader(body))
        {
            throw new IOException(
                $"{path} is damaged or of another version. Restore the folder from a copy, or move it away to start without history.");
        }

        bool isWhole = false;
        while (!isWhole && reader.TryRead(out body))
        {
            RecordFields fields = new(body);
            RecordKind kind = fields.ReadKind();
            isWhole = kind == RecordKind.SnapshotEnd;
            if (kind == RecordKind.Room && !TryLoadRoom(ref fields, reader))
            {
                break;
            }
        }

        if (!isWhole)
        {
            Damage = $"{reader.Rest} bytes of {path}, and the rooms in them";
        }
    }

    private bool TryReadHeader(ReadOnlySpan<byte> body)
    {
        RecordFields fields = new(body);
        if (fields.ReadKind() != RecordKind.SnapshotHeader || fields.ReadNumber() != Snapshot.Version)
        {
            return false;
        }

        NextRoomId = fields.ReadNumber();
        string current = fields.ReadText();
        string[] past = new string[fields.ReadNumber()];
        for (int i = 0; i < past.Length; i++)
        {
            past[i] = fields.ReadText();
        }

        _generations = new Generations(current, past);
        return true;
    }

    // A room with a part of its publications would have a gap that no position shows, so it is there only as a whole.
    private bool TryLoadRoom(ref RecordFields fields, RecordReader reader)
    {
        long id = fields.ReadNumber();
        string name = fields.ReadText(), seed = fields.ReadText();
        RecordPlace applied = new(fields.ReadNumber(), fields.ReadNumber());
        long offset = fields.ReadNumber(), until = fields.ReadNumber();
        long[] past = new long[fields.ReadNumber()];
        for (int i = 0; i < past.Length; i++)
        {
            past[i] = fields.ReadNumber();
        }

        LoadedRoom room = new(id, name, seed, offset, past) { Applied = applied };
        for (long count = fields.ReadNumber(); count > 0; count--)
        {
            if (!reader.TryRead(out ReadOnlySpan<byte> body))
            {
                return false;
            }

            RecordFields publication = new(body);
            publication.ReadKind();
            room.Log.Store(PublicationFields.Read(ref publication), int.MaxValue, until, out _);
        }

        Add(room);
        return true;
    }

    // Returns false if the log is not whole, or does not continue the one before it.
    private bool TryLoadLog(long number, ref long recordsBefore)
    {
        string path = folder.LogOf(number);
        using RecordReader reader = new(path, number);
        bool continues = false;
        if (reader.TryRead(out ReadOnlySpan<byte> body))
        {
            RecordFields header = new(body);
            continues = header.ReadKind() == RecordKind.LogHeader && header.ReadNumber() == Snapshot.Version
                && (recordsBefore < 0 || header.ReadNumber() == recordsBefore);
        }

        while (continues && reader.TryRead(out body))
        {
            Apply(new RecordFields(body), new RecordPlace(number, reader.Count - 1));
        }

        if (!continues || reader.Rest > 0)
        {
            Damage ??= $"{reader.Rest} bytes at the end of {path}, and later logs";
        }

        recordsBefore = reader.Count;
        return continues && reader.Rest == 0;
    }

    private void Apply(RecordFields fields, RecordPlace place)
    {
        RecordKind kind = fields.ReadKind();
        if (kind == RecordKind.Probe)
        {
            return;
        }

        long id = fields.ReadNumber();
        if (!_byId.TryGetValue(id, out LoadedRoom? room))
        {
            // Of a room that was removed since, or lost with a part of the snapshot, the log may still have records.
            if (kind == RecordKind.Create)
            {
                Add(new LoadedRoom(id, fields.ReadText(), fields.ReadText(), 0, []) { Applied = place });
            }

            return;
        }

        if (!place.IsAfter(room.Applied))
        {
            return; // the snapshot has it
        }

        room.Applied = place;
        switch (kind)
        {
            case RecordKind.Publish:
                long time = fields.ReadNumber(), ttl = fields.ReadNumber(), size = fields.ReadNumber();
                room.Log.ClearHistoryIfExpired(time);
                room.Log.Store(
                    PublicationFields.Read(ref fields), (int)size, ttl > 0 ? time + ttl : long.MaxValue, out _);
                break;
            case RecordKind.Skip:
                room.Log.Skip();
                break;
            case RecordKind.Clear:
                room.Log.ClearHistory();
                break;
            case RecordKind.Drop:
                Remove(room);
                break;
        }
    }

    private void Add(LoadedRoom room)
    {
        if (_byName.TryGetValue(room.Name, out LoadedRoom? before))
        {
            Remove(before); // removed in memory; the record of that was lost
        }

        NextRoomId = Math.Max(NextRoomId, room.Id + 1);
        _byId[room.Id] = room;
        _byName[room.Name] = room;
    }

    private void Remove(LoadedRoom room)
    {
        _byId.Remove(room.Id);
        _byName.Remove(room.Name);
    }
}
