using System.Collections.Concurrent;
using Weir.Brokers.Nats.Streams;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Nats.Logs;

/// <summary>
/// Messages that were read by their numbers, which never change: clients of a room that return at the same time are given what one of them
/// has read. Bounded; the oldest entries go first. Of one storage, since numbers are assigned again when a stream is lost. Thread-safe.
/// </summary>
internal sealed class LogCache(Storage storage)
{
    private const long MaxBytes = 32 << 20;

    /// <summary>About what an entry takes besides the message.</summary>
    private const int Overhead = 400;

    private readonly ConcurrentDictionary<(string Stream, ulong Sequence), Task<LogMessage?>> _entries = [];
    private readonly ConcurrentQueue<((string Stream, ulong Sequence) Key, int Bytes)> _ages = [];
    private long _bytes;

    public Storage Storage => storage;

    /// <summary>Reads a message; <c>null</c> if it is not stored any more.</summary>
    /// <exception cref="BrokerUnavailableException">JetStream does not answer.</exception>
    /// <exception cref="InvalidDataException">The message cannot be read.</exception>
    public Task<LogMessage?> ReadAsync(StreamState stream, ulong sequence)
    {
        (string, ulong) key = (stream.Name, sequence);
        if (_entries.TryGetValue(key, out Task<LogMessage?>? known))
        {
            return known;
        }

        // Entered before the request is sent, so that others wait for the same one.
        TaskCompletionSource<LogMessage?> result = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<LogMessage?> entry = _entries.GetOrAdd(key, result.Task);
        if (entry == result.Task)
        {
            _ = FillAsync(key, stream, result);
        }

        return entry;
    }

    private async Task FillAsync((string, ulong Sequence) key, StreamState stream, TaskCompletionSource<LogMessage?> result)
    {
        try
        {
            StoredMessage? message = await storage.JetStream.ReadAsync(stream, key.Sequence);
            if (message is null)
            {
                _entries.TryRemove(key, out _);
                result.SetResult(null);
                return;
            }

            (LogState state, List<Publication> publications) = LogRecord.Read(message.Body);
            Keep(key, message.Body.Length + Overhead);
            result.SetResult(new LogMessage(state, publications));
        }
        catch (Exception error)
        {
            // The readers get it; the next one tries again.
            _entries.TryRemove(key, out _);
            result.SetException(error);
        }
    }

    private void Keep((string, ulong) key, int bytes)
    {
        _ages.Enqueue((key, bytes));
        long sum = Interlocked.Add(ref _bytes, bytes);
        while (sum > MaxBytes && _ages.TryDequeue(out ((string Stream, ulong Sequence) Key, int Bytes) oldest))
        {
            _entries.TryRemove(oldest.Key, out _);
            sum = Interlocked.Add(ref _bytes, -oldest.Bytes);
        }
    }
}

/// <summary>A message of a log: its publications, and the state after them. Not to be changed.</summary>
internal sealed record LogMessage(LogState State, IReadOnlyList<Publication> Publications);
