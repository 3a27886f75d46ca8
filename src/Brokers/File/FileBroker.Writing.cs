using Weir.Brokers.File.Diagnostics;
using Weir.Brokers.File.Records;
using Weir.Brokers.File.Rooms;
using Weir.Brokers.File.Storage;
using Weir.Relay.Brokers;

namespace Weir.Brokers.File;

/// <content>The writer: one thread that encodes, stores, applies and announces, in the order of the requests.</content>
public sealed partial class FileBroker
{
    // Bounds the memory of a batch, and how long its first request waits for its last.
    private const int BatchBytes = 1 << 20;

    private readonly TaskCompletionSource _writerEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly RecordBuffer _buffer = new();
    private readonly List<FileRoom> _createdInBatch = [];
    private Thread? _writer;
    private IAppendFile? _log;
    private long _number; // of the log
    private long _records; // in the log
    private bool _isBroken; // it is unknown what the disk has of the log: nothing is stored until a snapshot is
    private volatile bool _isDirty; // written and not synchronized

    private void StartWriter()
    {
        _writer = new Thread(Write) { IsBackground = true, Name = "weir-file" };
        _writer.Start();
    }

    private async Task StopWriterAsync()
    {
        _queue.Close();
        if (_writer is not null)
        {
            await _writerEnded.Task;
            await _compaction;
        }
    }

    private void Write()
    {
        while (_queue.Take() is { } requests)
        {
            for (int from = 0; from < requests.Count;)
            {
                from = WriteBatch(requests, from);
            }
        }

        if (_isDirty)
        {
            TrySync();
        }

        _health = BrokerHealth.Degraded;
        _log!.Dispose();
        _writerEnded.SetResult();
    }

    // Returns the index after the batch.
    private int WriteBatch(List<WriteRequest> requests, int from)
    {
        int to = from;
        bool mustSync = _options.Sync == FileSync.Always;
        long now = Now;
        while (to < requests.Count && _buffer.Length < BatchBytes)
        {
            WriteRequest request = requests[to++];
            mustSync |= request.Kind == RequestKind.Sync || (request.Kind == RequestKind.Publish && request.Rule.Durable);
            Encode(request, now);
        }

        bool isStored = TryStore(mustSync);
        Call(static (sink, _) => sink.OnBatchBegins(), 0);
        for (int i = from; i < to; i++)
        {
            Apply(requests[i], isStored, now);
        }

        Call(static (sink, _) => sink.OnBatchEnded(), 0);
        for (int i = from; i < to; i++)
        {
            requests[i].Complete();
        }

        if (_log!.Length >= _compactAt)
        {
            TryCompact();
        }

        return to;
    }

    private void Encode(WriteRequest request, long now)
    {
        switch (request.Kind)
        {
            case RequestKind.Publish:
                FileRoom room = request.Room = FindOrCreate(request.Name);
                EncodeRoom(room);
                room.WrittenOffset = RoomLog.Next(room.WrittenOffset, request.Publication!);
                Begin(request, RecordKind.Publish);
                _buffer.Write(now);
                _buffer.Write((long)request.Rule.HistoryTtl.TotalMilliseconds);
                _buffer.Write(request.Rule.HistorySize);
                PublicationFields.Write(_buffer, request.Publication!, room.WrittenOffset);
                End();
                request.Publication = request.Publication!.WithOffset(room.WrittenOffset);
                break;
            case RequestKind.Skip when Find(request) is { } found:
                EncodeRoom(found);
                found.WrittenOffset++;
                Begin(request, RecordKind.Skip);
                End();
                break;
            case RequestKind.Clear when Find(request) is { IsLogged: true }:
                Begin(request, RecordKind.Clear);
                End();
                break;
            case RequestKind.Create when Find(request) is { } found:
                EncodeRoom(found);
                break;
            case RequestKind.Forget when Find(request) is { } found && TryForget(found):
                if (found.IsLogged)
                {
                    Begin(request, RecordKind.Drop);
                    End();
                }

                break;
            case RequestKind.Probe when _health == BrokerHealth.Refusing:
                _buffer.Begin(RecordKind.Probe);
                End();
                break;
        }
    }

    private FileRoom? Find(WriteRequest request) => request.Room = _rooms.GetValueOrDefault(request.Name);

    // Rooms are forgotten by this thread only, so the room is there until the batch is applied.
    private FileRoom FindOrCreate(string name)
    {
        FileRoom room = Enter(name);
        room.Log.Gate.Exit();
        return room;
    }

    private void EncodeRoom(FileRoom room)
    {
        if (room.IsLogged)
        {
            return;
        }

        _buffer.Begin(RecordKind.Create);
        _buffer.Write(room.Id);
        _buffer.Write(room.Name);
        _buffer.Write(room.Seed);
        End();
        room.IsLogged = true;
        _createdInBatch.Add(room);
    }

    private void Begin(WriteRequest request, RecordKind kind)
    {
        request.Place = new RecordPlace(_number, _records + _buffer.Count);
        _buffer.Begin(kind);
        _buffer.Write(request.Room!.Id);
    }

    private void End() => _buffer.End(_number, _records + _buffer.Count);

    // Stores what is encoded. Returns false if the disk did not.
    private bool TryStore(bool mustSync)
    {
        long before = _log!.Length;
        bool isStored = !_isBroken;
        try
        {
            if (isStored && _buffer.Length > 0)
            {
                _log.Append(_buffer.Bytes);
                _isDirty = true;
            }
        }
        catch (IOException error)
        {
            isStored = false;
            Refuse(error);
            TryCut(before);
        }

        if (isStored && mustSync && _isDirty && !TrySync())
        {
            isStored = false;
            TryCut(before);
        }

        if (isStored)
        {
            _records += _buffer.Count;
        }
        else
        {
            _createdInBatch.ForEach(static room => room.IsLogged = false);
        }

        _metrics.SetLogBytes(_log.Length);
        _createdInBatch.Clear();
        _buffer.Clear();
        return isStored;
    }

    private bool TrySync()
    {
        long start = _time.GetTimestamp();
        try
        {
            _log!.Sync();
            _isDirty = false;
            _metrics.Synchronized(_time.GetElapsedTime(start));
            return true;
        }
        catch (IOException error)
        {
            // Linux reports a page that it could not write once, and then counts it as written: only a new file can be trusted.
            _isBroken = true;
            Refuse(error);
            return false;
        }
    }

    // Removes a batch that was not stored, or the next start would find it.
    private void TryCut(long length)
    {
        try
        {
            _log!.CutTo(length);
        }
        catch (IOException)
        {
            _isBroken = true; // reported already
        }
    }

    private void Refuse(Exception error)
    {
        _hasFailedSinceProbe = true;
        if (_health == BrokerHealth.Up)
        {
            FileLog.Refuses(_logger, error);
        }

        SetHealth(BrokerHealth.Refusing);
    }

    private void Apply(WriteRequest request, bool isStored, long now)
    {
        if (request.Kind == RequestKind.Compacted)
        {
            OnCompacted(request.SnapshotBytes);
        }
        else if (request.Kind == RequestKind.Probe)
        {
            OnProbed(isStored);
        }

        if (request.Room is not { } room)
        {
            return;
        }

        lock (room.Log.Gate)
        {
            if (!isStored)
            {
                room.WrittenOffset = room.Log.Top.Offset;
                ApplyNotStored(request);
                return;
            }

            room.Applied = request.Place.IsAfter(room.Applied) ? request.Place : room.Applied;
            switch (request.Kind)
            {
                case RequestKind.Publish:
                    ApplyPublish(request, room, now);
                    break;
                case RequestKind.Skip:
                    room.Log.Skip();
                    request.Succeed(room.Log.Top);
                    break;
                case RequestKind.Clear:
                    Interlocked.Add(ref _historyBytes, -room.Log.ClearHistory());
                    break;
            }
        }
    }

    private void ApplyPublish(WriteRequest request, FileRoom room, long now)
    {
        Publication numbered = request.Publication!;
        RoomRule rule = request.Rule;
        long expired = room.Log.ClearHistoryIfExpired(now);
        long until = rule.HistoryTtl > TimeSpan.Zero ? Later(now, rule.HistoryTtl) : long.MaxValue;
        room.Log.Store(numbered, rule.HistorySize, until, out long freed);
        Interlocked.Add(ref _historyBytes, numbered.Data.Length - freed - expired);
        if (_options.MaxHistoryBytes > 0 && HistoryBytes > _options.MaxHistoryBytes)
        {
            Interlocked.Add(ref _historyBytes, -room.Log.ClearHistory());
        }

        request.Succeed(new StreamPosition(room.Log.Epoch, numbered.Offset));
        Announce(room.Name, numbered, room.Log.Epoch);
    }

    private void ApplyNotStored(WriteRequest request)
    {
        if (request.Kind == RequestKind.Publish)
        {
            _metrics.NotStored();
        }

        if (request.Kind == RequestKind.Publish && !request.Rule.Durable)
        {
            Announce(request.Name, request.Publication!.WithOffset(0), epoch: "");
        }
        else if (request.Kind is RequestKind.Publish or RequestKind.Skip or RequestKind.Clear)
        {
            request.Fail(new BrokerUnavailableException("The disk does not store.", isUnknown: _isBroken));
        }
    }

    private void Announce(string room, Publication publication, string epoch)
    {
        if (_subscribed.ContainsKey(room))
        {
            Call(static (sink, each) => sink.OnPublication(each.room, each.publication, each.epoch), (room, publication, epoch));
        }
    }

    // The node's sink only queues; one that throws must not leave a batch half applied.
    private void Call<T>(Action<IBrokerSink, T> call, T argument)
    {
        try
        {
            call(Sink, argument);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            FileLog.SinkFailed(_logger, error);
        }
    }
}
