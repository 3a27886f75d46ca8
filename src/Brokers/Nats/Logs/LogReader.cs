using Weir.Brokers.Nats.Streams;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Nats.Logs;

/// <summary>Reads a room's history from its last message: the messages before it by their numbers, all in flight at once.</summary>
internal static class LogReader
{
    /// <summary>Reads what a query asks for of the history that ends with <paramref name="last"/>.</summary>
    /// <exception cref="BrokerUnavailableException">JetStream does not answer.</exception>
    /// <exception cref="InvalidDataException">A message cannot be read.</exception>
    public static async Task<RoomHistory> ReadAsync(
        LogCache cache, StreamState stream, StoredMessage last, HistoryQuery query, RoomRule rule)
    {
        (LogState state, List<Publication> newest) = LogRecord.Read(last.Body);
        (long low, long high) = RangeOf(state, query, rule, cache.Storage.Clock.Now);
        (long from, long to) = LimitOf(low, high, query);
        List<Publication> found = await ReadAsync(cache, stream, state, newest, from, to);
        if (query.Limit > 0 && found.Count < query.Limit && (from > low || to < high))
        {
            // Offsets were skipped, so that more of them are needed for as many publications.
            found = await ReadAsync(cache, stream, state, newest, low, high);
        }

        found.Sort(static (one, other) => one.Offset.CompareTo(other.Offset));
        if (query.Reverse)
        {
            found.Reverse();
        }

        return new RoomHistory(query.Limit >= 0 && found.Count > query.Limit ? found[..query.Limit] : found, state.Position)
        {
            Past = state.Past,
        };
    }

    private static async Task<List<Publication>> ReadAsync(
        LogCache cache, StreamState stream, LogState state, List<Publication> newest, long low, long high)
    {
        if (low > high)
        {
            return [];
        }

        List<Publication> found = [.. newest.Where(IsAskedFor)];
        IReadOnlyList<LogPointer> pointers = state.Earlier;
        while (pointers.Count > 0)
        {
            Task<LogMessage?>[] reads = new Task<LogMessage?>[pointers.Count];
            for (int i = 0; i < reads.Length; i++)
            {
                // The message's publications end at its pointer's top, and begin behind that of the next pointer.
                bool reaches = pointers[i].Top >= low && (i + 1 == pointers.Count || pointers[i + 1].Top < high);
                reads[i] = reaches ? cache.ReadAsync(stream, pointers[i].Sequence) : Task.FromResult<LogMessage?>(null);
            }

            LogMessage?[] messages = await Task.WhenAll(reads);
            pointers = [];
            for (int i = 0; i < messages.Length; i++)
            {
                if (messages[i] is not { } message)
                {
                    continue; // not asked for, or trimmed meanwhile
                }

                if (!IsPartOf(message.State, state))
                {
                    continue;
                }

                found.AddRange(message.Publications.Where(IsAskedFor));
                if (i == messages.Length - 1 && (message.Publications.Count == 0 || message.Publications[0].Offset > low))
                {
                    pointers = message.State.Earlier;
                }
            }
        }

        return found;

        bool IsAskedFor(Publication publication) => publication.Offset >= low && publication.Offset <= high;
    }

    // The offsets between which the publications asked for lie.
    private static (long Low, long High) RangeOf(LogState state, HistoryQuery query, RoomRule rule, long now)
    {
        if (query.Limit == 0 || state.HasExpired(now))
        {
            return (1, 0);
        }

        long low = Math.Max(state.Floor, state.Top - rule.HistorySize) + 1;
        long high = state.Top;
        if (query.Since is { } since)
        {
            (low, high) = query.Reverse ? (low, Math.Min(high, since.Offset - 1)) : (Math.Max(low, since.Offset + 1), high);
        }

        return (low, high);
    }

    private static (long Low, long High) LimitOf(long low, long high, HistoryQuery query)
        => query.Limit <= 0 || high - low < query.Limit ? (low, high)
            : query.Reverse ? (high - query.Limit + 1, high)
            : (low, low + query.Limit - 1);

    // A number can belong to another message after a stream was lost.
    private static bool IsPartOf(LogState earlier, LogState state)
        => earlier.Epoch == state.Epoch ? earlier.Top <= state.Top
            : state.Past.Any(past => past.Epoch == earlier.Epoch && past.Offset >= earlier.Top);
}
