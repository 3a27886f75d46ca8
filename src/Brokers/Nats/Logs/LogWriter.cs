using Weir.Brokers.Nats.Streams;
using Weir.Brokers.Nats.Writing;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Nats.Logs;

/// <summary>Writes one room's log: assigns the offsets, and ends epochs.</summary>
internal sealed class LogWriter(string subject, int shard, IWriterContext context, IUnstoredAnnouncer announcer)
    : SubjectWriter<LogOperation>(subject, context)
{
    private LogState? _state;
    private LogState? _next;
    private long _storedAt;
    private bool _hasPublications;
    private bool _willHavePublications;

    protected override StreamState StreamOf(Storage storage) => storage.Streams.Logs[shard];

    protected override int SizeOf(LogOperation operation) => operation.Body.Length + 8;

    protected override bool FreesSpace(List<LogOperation> operations)
        => operations.TrueForAll(static operation => operation.Kind == LogOperationKind.Remove);

    protected override void Load(StoredMessage? last)
    {
        if (last is null)
        {
            (_state, _hasPublications) = (null, false);
            return;
        }

        (_state, List<Publication> publications) = LogRecord.Read(last.Body);
        _hasPublications = publications.Count > 0;
        _storedAt = last.StoredAt;
    }

    protected override ReadOnlyMemory<byte>? Build(Storage storage, List<LogOperation> operations)
    {
        long now = storage.Clock.Now;
        LogState state = _state is null
            ? new LogState { Epoch = NewEpoch(), Line = storage.Line }
            : _state.Line == storage.Line ? _state : _state.WithEpoch(NewEpoch(), storage.Line);
        bool isNeeded = !ReferenceEquals(state, _state) || IsOld(storage, now);
        long top = state.Top;
        long floor = state.HasExpired(now) ? top : state.Floor;
        long until = state.Until;
        int size = int.MaxValue;
        List<long> offsets = new(operations.Count);
        List<byte[]> bodies = new(operations.Count);
        foreach (LogOperation operation in operations)
        {
            switch (operation.Kind)
            {
                case LogOperationKind.Publish:
                    top += operation.IsAfterLoss ? 2 : 1;
                    offsets.Add(top);
                    bodies.Add(operation.Body);
                    until = operation.Rule!.HistoryTtl == TimeSpan.Zero ? 0 : now + (long)operation.Rule.HistoryTtl.TotalMilliseconds;
                    size = operation.Rule.HistorySize;
                    break;

                case LogOperationKind.Skip:
                    top++;
                    isNeeded = true;
                    break;

                case LogOperationKind.Remove when _state is not null:
                    floor = top;
                    isNeeded = true;
                    break;
            }

            operation.Offset = top;
        }

        if ((!isNeeded && bodies.Count == 0) || (_state is null && operations.TrueForAll(static o => o.Kind == LogOperationKind.Remove)))
        {
            return null;
        }

        _willHavePublications = bodies.Count > 0;
        _next = state with
        {
            Top = top,
            Floor = floor,
            Until = until,
            Earlier = _state is null ? [] : _state.PointersBehind(LastSequence, _hasPublications, Math.Max(floor, top - size)),
        };
        return LogRecord.Encode(
            _next,
            System.Runtime.InteropServices.CollectionsMarshal.AsSpan(offsets),
            System.Runtime.InteropServices.CollectionsMarshal.AsSpan(bodies));
    }

    protected override void Complete(List<LogOperation> operations, ulong? sequence)
    {
        if (sequence is not null)
        {
            (_state, _hasPublications, _storedAt) = (_next, _willHavePublications, Context.Storage?.Clock.Now ?? _storedAt);
        }

        string epoch = _state?.Epoch ?? "";
        foreach (LogOperation operation in operations)
        {
            operation.Result.TryComplete(new StreamPosition(epoch, operation.Offset));
        }
    }

    protected override void Refuse(List<LogOperation> operations, string reason)
    {
        BrokerUnavailableException error = new($"NATS does not store: {reason}.", isUnknown: false);
        foreach (LogOperation operation in operations)
        {
            if (operation is { Kind: LogOperationKind.Publish, Rule.Durable: false })
            {
                announcer.AnnounceUnstored(operation);
            }
            else
            {
                operation.Fail(error);
            }
        }
    }

    private static string NewEpoch() => Guid.NewGuid().ToString("N")[..12];

    // The state lives as long as its message, whose age the stream limits.
    private bool IsOld(Storage storage, long now)
        => StreamOf(storage).MaxAge is { Ticks: > 0 } most && now - _storedAt > most.TotalMilliseconds / 2;
}
