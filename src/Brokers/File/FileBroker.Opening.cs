using Weir.Brokers.File.Diagnostics;
using Weir.Brokers.File.Records;
using Weir.Brokers.File.Rooms;
using Weir.Brokers.File.Storage;

namespace Weir.Brokers.File;

/// <content>The start: reads what is there, and begins a generation.</content>
public sealed partial class FileBroker
{
    // The state is written anew before the first request: no torn tail stays in use, and a crash in the middle of it leaves the old files.
    private void Open()
    {
        _folder = new StoreFolder(_options.Path);
        try
        {
            StoreLoader loader = new(_folder);
            loader.Load();
            if (loader.Damage is { } damage)
            {
                FileLog.Damaged(_logger, damage);
            }

            Adopt(loader);
            _number = loader.LastNumber + 1;
            using (IAppendFile snapshot = _createFile(_folder.UnfinishedSnapshotOf(_number)))
            {
                _snapshotBytes = Snapshot.Write(snapshot, _number, _generations, _lastRoomId + 1, _rooms.Values);
            }

            _metrics.SnapshotWritten(_snapshotBytes);
            _log = CreateLog(_number, recordsBefore: -1);
            _folder.Publish(_number);
        }
        catch (Exception error)
        {
            _log?.Dispose();
            _folder.Dispose();
            if (error is UnauthorizedAccessException or InvalidDataException)
            {
                throw new IOException($"The files in {_folder.Path} cannot be used: {error.Message}", error);
            }

            throw;
        }

        _records = 1;
        _compactAt = Math.Max(_options.CompactAfterBytes, _snapshotBytes);
        FileLog.Loaded(_logger, _folder.Path, _rooms.Count, HistoryBytes);
    }

    private void Adopt(StoreLoader loader)
    {
        _generations = loader.Generations?.Next(NewId()) ?? Generations.First(NewId());
        _lastRoomId = loader.NextRoomId - 1;
        long now = Now;
        foreach (LoadedRoom loaded in loader.Rooms)
        {
            FileRoom room = loaded.In(_generations, now);
            foreach (Relay.Brokers.Publication publication in room.Log.History)
            {
                _historyBytes += publication.Data.Length;
            }

            if (_options.MaxHistoryBytes > 0 && _historyBytes > _options.MaxHistoryBytes)
            {
                _historyBytes -= room.Log.ClearHistory();
            }

            _rooms[room.Name] = room;
        }
    }

    private IAppendFile CreateLog(long number, long recordsBefore)
    {
        RecordBuffer header = new();
        header.Begin(RecordKind.LogHeader);
        header.Write(Snapshot.Version);
        header.Write(recordsBefore);
        header.End(number, 0);
        IAppendFile log = _createFile(_folder!.LogOf(number));
        try
        {
            log.Append(header.Bytes);
            log.Sync();
            _folder.Flush();
            return log;
        }
        catch
        {
            log.Dispose();
            StoreFolder.TryDelete(_folder.LogOf(number));
            throw;
        }
    }
}
