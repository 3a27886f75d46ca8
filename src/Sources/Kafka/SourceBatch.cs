using System.Globalization;
using Confluent.Kafka;

namespace Weir.Sources.Kafka;

/// <summary>The records of one turn: published together, and done up to the first of each partition that is not.</summary>
internal sealed class SourceBatch : IDisposable
{
    private readonly List<(ConsumeResult<byte[]?, byte[]?> Read, SourceRecord Record)> _records;
    private readonly CancellationTokenSource _cancelled;
    private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HashSet<SourceRecord> _done = []; // without the publisher
    private readonly Dictionary<int, long> _taken = [];

    /// <param name="records">As read, of each partition in order.</param>
    /// <param name="done">The places of records that are done although one before them is not; taken from it.</param>
    /// <param name="stopping">Ends what waits for the broker.</param>
    public SourceBatch(
        List<ConsumeResult<byte[]?, byte[]?>> records, HashSet<(int Partition, long Offset)> done, CancellationToken stopping)
    {
        _records = records.ConvertAll(static read => (read, ToRecord(read)));
        foreach ((ConsumeResult<byte[]?, byte[]?> read, SourceRecord record) in _records)
        {
            if (done.Remove((read.Partition.Value, read.Offset.Value)) || read.Message.Value is null)
            {
                _done.Add(record); // a record without a value removes a key from a compacted topic: there is no message
            }
        }

        _cancelled = CancellationTokenSource.CreateLinkedTokenSource(stopping);
    }

    /// <summary>Publishes, and stores what is rejected.</summary>
    /// <param name="publisher">Publishes.</param>
    /// <param name="rejectAsync">Stores a record elsewhere, with the reason; returns whether that is certain.</param>
    public async Task HandleAsync(SourcePublisher publisher, Func<ConsumeResult<byte[]?, byte[]?>, string, Task<bool>> rejectAsync)
    {
        try
        {
            await publisher.PublishAsync(
                [.. _records.Select(static each => each.Record).Where(record => !_done.Contains(record))], _cancelled.Token)
                .ConfigureAwait(false);
            foreach ((ConsumeResult<byte[]?, byte[]?> read, SourceRecord record) in _records)
            {
                if (record.Outcome == SourceOutcome.Rejected && await rejectAsync(read, record.Reason).ConfigureAwait(false))
                {
                    _done.Add(record);
                }
            }
        }
        finally
        {
            _completed.TrySetResult();
        }
    }

    /// <summary>Ends what waits for the broker, and waits for what is in flight.</summary>
    public void Cancel()
    {
        _cancelled.Cancel();
        _completed.Task.Wait();
    }

    /// <summary>Returns the offset after the last that is done of each partition, if it has moved since the last call.</summary>
    public List<(int Partition, long Next)> TakeDone()
    {
        List<(int Partition, long Next)> done = [];
        foreach (IGrouping<int, (ConsumeResult<byte[]?, byte[]?> Read, SourceRecord Record)> own in ByPartition())
        {
            long next = own.TakeWhile(IsDone).Select(static each => each.Read.Offset.Value + 1).LastOrDefault(-1);
            if (next >= 0 && _taken.GetValueOrDefault(own.Key, -1) != next)
            {
                _taken[own.Key] = next;
                done.Add((own.Key, next));
            }
        }

        return done;
    }

    /// <summary>Returns the first offset that is not done of each partition that has one.</summary>
    public List<(int Partition, long Offset)> Unfinished() =>
    [
        .. ByPartition().Select(own => (own.Key, First: own.SkipWhile(IsDone).Take(1).ToArray()))
            .Where(static own => own.First.Length > 0)
            .Select(static own => (own.Key, own.First[0].Read.Offset.Value)),
    ];

    /// <summary>Returns the places of records that are done although one before them is not.</summary>
    public IEnumerable<(int Partition, long Offset)> DoneAhead() => ByPartition()
        .SelectMany(own => own.SkipWhile(IsDone).Where(IsDone)).Select(static each => (each.Read.Partition.Value, each.Read.Offset.Value));

    public void Dispose() => _cancelled.Dispose();

    private IEnumerable<IGrouping<int, (ConsumeResult<byte[]?, byte[]?> Read, SourceRecord Record)>> ByPartition()
        => _records.GroupBy(static each => each.Read.Partition.Value);

    private bool IsDone((ConsumeResult<byte[]?, byte[]?> Read, SourceRecord Record) each)
        => each.Record.Outcome is SourceOutcome.Published or SourceOutcome.Repeated || _done.Contains(each.Record);

    private static SourceRecord ToRecord(ConsumeResult<byte[]?, byte[]?> read)
    {
        Dictionary<string, ReadOnlyMemory<byte>> headers = new(StringComparer.Ordinal);
        foreach (IHeader header in read.Message.Headers ?? [])
        {
            headers[header.Key] = header.GetValueBytes();
        }

        return new SourceRecord
        {
            Partition = string.Create(CultureInfo.InvariantCulture, $"{read.Topic}/{read.Partition.Value}"),
            Offset = read.Offset.Value,
            Key = read.Message.Key is { } key ? key.AsMemory() : null,
            Value = read.Message.Value,
            Headers = headers,
        };
    }
}
