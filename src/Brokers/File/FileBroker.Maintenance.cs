using System.Diagnostics;
using Weir.Brokers.File.Diagnostics;
using Weir.Brokers.File.Rooms;
using Weir.Brokers.File.Storage;
using Weir.Relay.Brokers;

namespace Weir.Brokers.File;

/// <content>Timers, compaction, and rooms that are not used any more.</content>
public sealed partial class FileBroker
{
    /// <summary>How often the sweep runs; a vanished client may be announced as gone this much later than its lifetime.</summary>
    internal static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(5);

    /// <summary>How often a disk that does not store is tried again, if no publish does.</summary>
    internal static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(1);

    private readonly List<ITimer> _timers = [];
    private Task _compaction = Task.CompletedTask;
    private bool _hasFailedSinceProbe;
    private bool _isCompacting;
    private bool _compactionRepairs; // nothing has been stored since it began
    private long _snapshotBytes;
    private long _compactAt; // length of the log

    private void StartMaintenance()
    {
        _timers.Add(_time.CreateTimer(static broker => ((FileBroker)broker!).Sweep(), this, SweepInterval, SweepInterval));
        _timers.Add(_time.CreateTimer(static broker => ((FileBroker)broker!).Probe(), this, ProbeInterval, ProbeInterval));
        if (_options.Sync == FileSync.Interval)
        {
            _timers.Add(_time.CreateTimer(
                static broker => ((FileBroker)broker!).SyncIfDirty(), this, _options.SyncInterval, _options.SyncInterval));
        }
    }

    private async Task StopMaintenanceAsync()
    {
        foreach (ITimer timer in _timers)
        {
            await timer.DisposeAsync();
        }
    }

    private void SyncIfDirty()
    {
        if (_isDirty)
        {
            _queue.TryAdd(new WriteRequest(RequestKind.Sync, ""), isOwn: true);
        }
    }

    private void Probe()
    {
        if (_health == BrokerHealth.Refusing)
        {
            _queue.TryAdd(new WriteRequest(RequestKind.Probe, ""), isOwn: true);
        }
    }

    private void Sweep()
    {
        long now = Now;
        foreach ((string name, FileRoom room) in _rooms)
        {
            lock (room.Log.Gate)
            {
                Interlocked.Add(ref _historyBytes, -room.Log.ClearHistoryIfExpired(now));
                foreach (RoomMember member in room.Log.TakeExpired(now))
                {
                    AnnouncePresence(name, member, hasJoined: false);
                }

                if (!_subscribed.ContainsKey(name) && room.Log.History.Count == 0 && room.Log.LastUsed <= now - UnusedLifetime)
                {
                    _queue.TryAdd(new WriteRequest(RequestKind.Forget, name), isOwn: true);
                }
            }
        }

        Debug.Assert(HistoryBytes >= 0, "More bytes freed than stored");
    }

    private long UnusedLifetime => (long)_options.UnusedRoomLifetime.TotalMilliseconds;

    // On the writer's thread. On a disk that is almost full small messages are stored and large ones are not: it stores again when a probe
    // interval has passed without a failure.
    private void OnProbed(bool isStored)
    {
        if (_isBroken)
        {
            TryCompact();
        }
        else if (isStored && !_hasFailedSinceProbe && _health == BrokerHealth.Refusing)
        {
            FileLog.Stores(_logger);
            SetHealth(BrokerHealth.Up);
        }

        _hasFailedSinceProbe = false;
    }

    // On the writer's thread. False also if a publication of this batch is yet to be applied.
    private bool TryForget(FileRoom room)
    {
        lock (room.Log.Gate)
        {
            if (room.WrittenOffset != room.Log.Top.Offset || _subscribed.ContainsKey(room.Name)
                || !room.Log.TryForget(Now - UnusedLifetime))
            {
                return false;
            }
        }

        _rooms.TryRemove(KeyValuePair.Create(room.Name, room));
        return true;
    }

    // On the writer's thread: a new log begins, and all that was before it is replaced by a snapshot.
    private void TryCompact()
    {
        if (_isCompacting)
        {
            return;
        }

        IAppendFile next;
        try
        {
            bool isWhole = !_isBroken && TrySync(); // the next log refers to it as whole
            next = CreateLog(_number + 1, recordsBefore: isWhole ? _records : -1);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            FileLog.SnapshotFailed(_logger, error);
            _compactAt = _log!.Length + _options.CompactAfterBytes;
            return;
        }

        _log!.Dispose();
        _log = next;
        _number++;
        _records = 1;
        _isCompacting = true;
        _compactionRepairs = _isBroken;
        _compactAt = long.MaxValue;
        long number = _number;
        _compaction = Task.Run(() => Compact(number));
    }

    private void Compact(long number)
    {
        long start = _time.GetTimestamp();
        long bytes = -1;
        try
        {
            using (IAppendFile snapshot = _createFile(_folder!.UnfinishedSnapshotOf(number)))
            {
                bytes = Snapshot.Write(snapshot, number, _generations, Volatile.Read(ref _lastRoomId) + 1, _rooms.Values);
            }

            _folder.Publish(number);
            _metrics.SnapshotWritten(bytes);
            FileLog.SnapshotWritten(_logger, number, bytes, _time.GetElapsedTime(start));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            bytes = -1;
            StoreFolder.TryDelete(_folder!.UnfinishedSnapshotOf(number));
            FileLog.SnapshotFailed(_logger, error);
        }

        _queue.TryAdd(new WriteRequest(RequestKind.Compacted, "") { SnapshotBytes = bytes }, isOwn: true);
    }

    // On the writer's thread. Negative: it failed.
    private void OnCompacted(long bytes)
    {
        _isCompacting = false;
        if (bytes < 0)
        {
            _compactAt = _log!.Length + _options.CompactAfterBytes;
            return;
        }

        _snapshotBytes = bytes;
        _compactAt = Math.Max(_options.CompactAfterBytes, bytes);
        _isBroken &= !_compactionRepairs; // memory has all that was stored, and the new files have it now
    }
}
